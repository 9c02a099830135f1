//! The life of a stage, from its `init` to its end. Without its types, so that it is compiled once, in this crate.

use tokio::sync::oneshot;

use super::assemble::AssembledStage;
use super::hook::{Hook, HookOutput, HookResult, run_hook_alone};
use super::kind::Kind;
use super::stage_loop::{Between, StageLoop};
use crate::base::error::ExitReason;
use crate::base::future::BoxFuture;
use crate::base::stats::StageState;
use crate::stage::Init;
use crate::sync::Arc;
use crate::wire::mailbox::MailQueue;

/// The start handshake of a stage: it reports the result of its `init`, and waits until the other stages are
/// up too.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) up: oneshot::Sender<Init>,
    pub(crate) go: oneshot::Receiver<()>,
}

/// A stage whose types are erased.
trait Life: Between {
    /// Works until the stage has a reason to end.
    fn work(&mut self) -> BoxFuture<'_, Result<ExitReason, ExitReason>>;

    /// Gives the events that were not handed out back to the stage, before it ends.
    fn give_back(&mut self) -> Result<(), ExitReason>;

    /// Takes the state of its keys from a copy that leaves.
    fn hand_over(&mut self, reason: &ExitReason) -> Result<(), ExitReason>;

    /// Ends all subscriptions for `reason`.
    fn close(&mut self, reason: &ExitReason);
}

impl<K: Kind> Life for StageLoop<K> {
    fn work(&mut self) -> BoxFuture<'_, Result<ExitReason, ExitReason>> {
        Box::pin(K::work(self))
    }

    fn give_back(&mut self) -> Result<(), ExitReason> {
        Self::give_back(self)
    }

    fn hand_over(&mut self, reason: &ExitReason) -> Result<(), ExitReason> {
        Self::hand_over(self, reason)
    }

    fn close(&mut self, reason: &ExitReason) {
        Self::close(self, reason);
    }
}

/// Runs a stage until it ends; returns the reason.
pub(super) fn live<S, K>(
    assembled: AssembledStage<S, K::Out>,
    kind: fn(S) -> K,
) -> BoxFuture<'static, ExitReason>
where
    S: Send + 'static,
    K: Kind,
{
    let AssembledStage { stage, state, inbox, input, output, ready } = assembled;
    let mailbox = Arc::clone(&inbox.mailbox);
    let make =
        move || -> Box<dyn Life> { Box::new(StageLoop::new(kind(stage), state, inbox, input, output)) };
    run(mailbox, Box::new(make), ready)
}

/// Runs the stage that `make` creates. It does so when it is first polled, since the clock of the stage begins there.
fn run(
    mailbox: Arc<MailQueue>,
    make: Box<dyn FnOnce() -> Box<dyn Life> + Send>,
    ready: Ready,
) -> BoxFuture<'static, ExitReason> {
    Box::pin(async move {
        let life = async {
            let mut stage = make();
            let init = run_hook_alone(&mut *stage, Hook::Init).await;
            stage.parts().timekeeper.rest(StageState::Starved);
            let begun = up(init, ready).await;
            stage.parts().timekeeper.work();
            let reason = match begun {
                Ok(()) => stage.work().await.unwrap_or_else(|reason| reason),
                Err(reason) => reason,
            };
            end(&mut *stage, reason).await
        };
        mailbox.run(life).await
    })
}

/// Handles the outcome of `init`: waits until all other stages are up, or returns the reason to end.
async fn up(init: Result<HookResult, ExitReason>, Ready { up, go }: Ready) -> Result<(), ExitReason> {
    let HookOutput::Init(init) = init?.map_err(ExitReason::from)? else { return Err(ExitReason::Aborted) };
    // If the pipeline was given up, the receiver is gone and `go` is never sent.
    let _ = up.send(init);
    match init {
        Init::Ready => go.await.map_err(|_| ExitReason::Shutdown),
        Init::Declined => Err(ExitReason::Normal),
    }
}

/// Ends a stage: calls `terminate` unless it panicked, then closes its subscriptions.
async fn end(stage: &mut dyn Life, mut reason: ExitReason) -> ExitReason {
    if !matches!(reason, ExitReason::Panicked(_))
        && let Err(panicked) = stage.give_back()
    {
        reason = panicked;
    }
    if let Err(panicked) = stage.hand_over(&reason) {
        reason = panicked;
    }
    if !matches!(reason, ExitReason::Panicked(_)) {
        let given = reason.clone();
        if let Err(panicked) = run_hook_alone(stage, Hook::Terminate(&given)).await {
            reason = panicked;
        }
        let answer = stage.parts().agenda.answer.take();
        if let Some(answer) = answer {
            answer.release();
        }
    }
    stage.close(&reason);
    reason
}
