//! Answers to calls, sent after the events that the callback emits, at once, or later.

use tokio::sync::oneshot;

use crate::sync::{Arc, Mutex, lock};

/// The right to answer one call.
///
/// It may be kept and used later, from any task. Dropping it leaves the call unanswered.
///
/// ```
/// use stage_core::stage::{Call, Reply};
/// use stage_core::{Emitter, Nothing, StageResult};
///
/// /// Answers whether it is there, even while it is busy, and later how much it has stored.
/// struct Store;
///
/// struct Ping;
/// struct Size;
///
/// impl Call<Ping> for Store {
///     type Out = Nothing;
///     type Reply = ();
///
///     async fn handle_call(&mut self, _: Ping, reply: Reply<()>, _: &mut Emitter<'_, Nothing>) -> StageResult {
///         // A caller that went away is not an error of this stage.
///         let _ = reply.send_now(());
///         Ok(())
///     }
/// }
///
/// impl Call<Size> for Store {
///     type Out = Nothing;
///     type Reply = u64;
///
///     async fn handle_call(&mut self, _: Size, reply: Reply<u64>, _: &mut Emitter<'_, Nothing>) -> StageResult {
///         // The stage handles events while the task counts.
///         tokio::spawn(async move { reply.send(42) });
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Reply<R> {
    answer: Arc<Mutex<Answer<R>>>,
}

/// An answer on its way.
#[derive(Debug)]
struct Answer<R> {
    /// `None` once the answer was sent.
    caller: Option<oneshot::Sender<R>>,
    /// Whether the callback that took the call is still running.
    held: bool,
    value: Option<R>,
}

/// Holds an answer back until the events that its callback emitted have been handed out.
pub(crate) type HeldAnswer = Arc<dyn Release>;

pub(crate) trait Release: Send + Sync {
    /// Sends the answer, if there is one.
    fn release(&self);
}

impl<R: Send + 'static> Reply<R> {
    /// Creates the right to answer `caller`, whose callback is about to run.
    pub(crate) fn new(caller: oneshot::Sender<R>) -> Self {
        Self { answer: Arc::new(Mutex::new(Answer { caller: Some(caller), held: true, value: None })) }
    }

    pub(crate) fn held(&self) -> HeldAnswer {
        Arc::clone(&self.answer) as _
    }
}

impl<R> Reply<R> {
    /// Answers the call. An answer sent from within the callback that took the call leaves after the events
    /// that the callback emits; if the callback ends the stage, after `terminate`.
    ///
    /// # Errors
    ///
    /// Returns the answer if the caller no longer waits.
    pub fn send(self, answer: R) -> Result<(), R> {
        let mut state = lock(&self.answer);
        if state.held && state.caller.as_ref().is_some_and(|caller| !caller.is_closed()) {
            state.value = Some(answer);
            return Ok(());
        }
        state.send(answer)
    }

    /// Answers the call now, before the events that the running callback emits.
    ///
    /// # Errors
    ///
    /// Returns the answer if the caller no longer waits.
    pub fn send_now(self, answer: R) -> Result<(), R> {
        lock(&self.answer).send(answer)
    }
}

impl<R> Answer<R> {
    fn send(&mut self, answer: R) -> Result<(), R> {
        match self.caller.take() {
            Some(caller) => caller.send(answer),
            None => Err(answer),
        }
    }
}

impl<R: Send> Release for Mutex<Answer<R>> {
    fn release(&self) {
        let mut state = lock(self);
        state.held = false;
        if let Some(answer) = state.value.take() {
            // The caller may be gone.
            let _ = state.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_waits_for_its_callback() {
        let (caller, mut answer) = oneshot::channel();
        let reply = Reply::new(caller);
        let held = reply.held();
        reply.send(1).unwrap();
        assert!(answer.try_recv().is_err());
        held.release();
        assert_eq!(answer.try_recv(), Ok(1));
    }

    #[test]
    fn a_late_or_an_immediate_answer_waits_for_nothing() {
        let (caller, mut answer) = oneshot::channel();
        let later = Reply::new(caller);
        later.held().release();
        later.send(1).unwrap();
        assert_eq!(answer.try_recv(), Ok(1));
        let (caller, mut answer) = oneshot::channel();
        let now = Reply::new(caller);
        now.send_now(2).unwrap();
        assert_eq!(answer.try_recv(), Ok(2));
    }

    #[test]
    fn an_answer_without_a_caller_is_returned() {
        let (caller, answer) = oneshot::channel();
        drop(answer);
        assert_eq!(Reply::new(caller).send(1), Err(1));
    }

    #[test]
    fn a_reply_that_is_dropped_leaves_the_caller_without_an_answer() {
        let (caller, mut answer) = oneshot::channel::<u8>();
        let reply = Reply::new(caller);
        let held = reply.held();
        drop(reply);
        held.release();
        drop(held);
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
