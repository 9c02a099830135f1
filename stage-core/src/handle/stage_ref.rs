//! How a stage is sent messages: calls, which wait for an answer, and casts, which do not.

use std::any::Any;
use std::fmt;

use tokio::sync::oneshot;

use crate::error::ExitReason;
use crate::mailbox::{Mail, Mailbox};
use crate::protocol::Closed;
use crate::stage::{Call, CallError, CallOf, Cast, CastOf, Message, Reply, StageMail};
use crate::sync::Arc;

/// The address of a running stage `S` that emits `Out`. It stays valid through restarts.
///
/// Messages are handled between the stage's other callbacks, in the order in which they were sent.
///
/// ```
/// use stage_core::{Call, Demand, Emitter, Pipeline, Producer, Reply, StageResult};
///
/// /// Counts upwards, and can be asked how far it is.
/// struct Counter(u64);
///
/// struct HowFar;
///
/// impl Producer for Counter {
///     type Event = u64;
///
///     async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
///         let next = self.0 + demand.get() as u64;
///         out.extend(self.0..next);
///         self.0 = next;
///         Ok(())
///     }
/// }
///
/// impl Call<HowFar> for Counter {
///     type Out = u64;
///     type Reply = u64;
///
///     async fn handle_call(&mut self, _: HowFar, reply: Reply<u64>, _: &mut Emitter<'_, u64>) -> StageResult {
///         // A caller that went away is no error of this stage.
///         let _ = reply.send(self.0);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = Pipeline::builder("count")
///     .start("counter", || Ok(Counter(0)))
///     .finish_fn("ignore", |_| ())
///     .start()
///     .await?;
/// let counter = running.producer::<Counter>("counter", 0)?;
/// assert!(counter.call(HowFar).await? % 9 <= 1);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct StageRef<S, Out> {
    name: String,
    mailbox: Arc<Mailbox<StageMail<S, Out>>>,
}

impl<S: Send + 'static, Out: Send + 'static> StageRef<S, Out> {
    /// The stage behind `mailbox`, if it is of these types.
    pub(crate) fn new(name: String, mailbox: &Arc<dyn Any + Send + Sync>) -> Option<Self> {
        let mailbox = Arc::clone(mailbox).downcast().ok()?;
        Some(Self { name, mailbox })
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`CallError::Ended`] if the stage has ended for good; [`CallError::Unanswered`] if it took the
    /// message and did not answer, for example since it failed.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the message may still be handled; the answer is lost.
    pub async fn call<M>(&self, message: M) -> Result<S::Reply, CallError>
    where
        S: Call<M, Out = Out>,
        M: Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.send(Box::new(CallOf { message, reply: Reply { sender } }))?;
        answer.await.map_err(|_| CallError::Unanswered { stage: self.name.clone() })
    }

    /// Sends a message; returns without waiting for it to be handled.
    ///
    /// # Errors
    ///
    /// [`CallError::Ended`] if the stage has ended for good.
    pub fn cast<M>(&self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = Out>,
        M: Send + 'static,
    {
        self.send(Box::new(CastOf(message)))
    }

    fn send(&self, message: Message<S, Out>) -> Result<(), CallError> {
        self.mailbox.send(Mail::Message(message)).map_err(|(_, closed)| CallError::Ended {
            stage: self.name.clone(),
            reason: match closed {
                Closed::End => ExitReason::Normal,
                Closed::Cancelled(reason) => reason,
                Closed::Refused(error) => ExitReason::Error(Arc::new(error)),
            },
        })
    }
}

impl<S, Out> Clone for StageRef<S, Out> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), mailbox: Arc::clone(&self.mailbox) }
    }
}

impl<S, Out> fmt::Debug for StageRef<S, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageRef").field("name", &self.name).finish_non_exhaustive()
    }
}
