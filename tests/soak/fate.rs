//! Ends of short-lived stages, in every possible way.

use std::{future::pending, panic::resume_unwind};

use stage_core::spawn::{self, StageOptions};
use stage_core::stage::Cast;
use stage_core::subscribe::Subscription;
use stage_core::{
    Consumer, Context, Emitter, Events, ExitReason, Nothing, ProducerRef, StageRef, StageResult,
    SubscribeOptions,
};
use tokio::{sync::oneshot, time::timeout};

use crate::PATIENCE;

/// The way in which a stage ends. "In hand": while it has a batch, which is lost then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Cancelled,
    Detached,
    Stopped,
    Aborted,
    Panics,
    Fails,
    AbortedInHand,
    PanicsInHand,
    FailsInHand,
    Finishes,
}

impl Fate {
    pub(crate) const ALL: [Self; 10] = [
        Self::Cancelled,
        Self::AbortedInHand,
        Self::Detached,
        Self::PanicsInHand,
        Self::Stopped,
        Self::FailsInHand,
        Self::Aborted,
        Self::Finishes,
        Self::Panics,
        Self::Fails,
    ];

    /// Fails, or panics without a message on the screen.
    pub(crate) fn strike(self) -> StageResult {
        match self {
            Self::Panics | Self::PanicsInHand => resume_unwind(Box::new("on purpose")),
            Self::Fails | Self::FailsInHand => Err("on purpose".into()),
            Self::Cancelled
            | Self::Detached
            | Self::Stopped
            | Self::Aborted
            | Self::AbortedInHand
            | Self::Finishes => Ok(()),
        }
    }
}

/// A check of every batch that a consumer receives.
pub(crate) type See = Box<dyn FnMut(&[u64]) + Send>;

/// Number of batches that a consumer handles before it ends with the next one in hand.
const BEFORE: u32 = 1;

/// A consumer that ends by its fate.
struct Mortal {
    see: See,
    fate: Fate,
    batches: u32,
    /// Notified when it waits for its end.
    waits: Option<oneshot::Sender<()>>,
}

impl Consumer for Mortal {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        (self.see)(events.as_slice());
        self.batches += 1;
        if self.batches <= BEFORE {
            return Ok(());
        }
        match self.fate {
            Fate::PanicsInHand | Fate::FailsInHand => self.fate.strike(),
            Fate::AbortedInHand => {
                self.waits.take().map(|waits| waits.send(()));
                pending().await
            }
            Fate::Finishes => {
                cx.finish();
                Ok(())
            }
            Fate::Cancelled | Fate::Detached | Fate::Stopped | Fate::Aborted | Fate::Panics | Fate::Fails => {
                Ok(())
            }
        }
    }
}

impl Cast<Fate> for Mortal {
    type Out = Nothing;

    async fn handle_cast(&mut self, fate: Fate, _: &mut Emitter<'_, Nothing>) -> StageResult {
        fate.strike()
    }
}

/// Runs a consumer: it subscribes, and ends by `fate`.
pub(crate) async fn live(producer: &ProducerRef<u64>, options: SubscribeOptions<u64>, fate: Fate, see: See) {
    let (waits, waiting) = oneshot::channel();
    let mortal = Mortal { see, fate, batches: 0, waits: Some(waits) };
    let mortal = spawn::consumer(mortal, StageOptions::named("mortal")).await.unwrap();
    let subscription = mortal.subscribe(producer, options).await.unwrap();
    let ends = end(&mortal, &subscription, fate, waiting);
    let ended = timeout(PATIENCE, ends).await;
    assert!(ended.is_ok(), "a consumer that was to be {fate:?} is still there: {subscription:?}");
}

async fn end(
    mortal: &StageRef<Mortal, u64, Nothing>,
    subscription: &Subscription,
    fate: Fate,
    waiting: oneshot::Receiver<()>,
) {
    match fate {
        Fate::Cancelled => subscription.cancel(ExitReason::Shutdown),
        Fate::Detached => {
            subscription.detach();
            mortal.stop(ExitReason::Shutdown).await;
        }
        Fate::Stopped => {
            mortal.stop(ExitReason::Shutdown).await;
        }
        Fate::Aborted => mortal.abort(),
        Fate::Panics | Fate::Fails => mortal.cast(fate).unwrap(),
        Fate::AbortedInHand => {
            waiting.await.expect("two batches come");
            mortal.abort();
        }
        // These end by themselves.
        Fate::PanicsInHand | Fate::FailsInHand | Fate::Finishes => {}
    }
    mortal.ended().await;
}
