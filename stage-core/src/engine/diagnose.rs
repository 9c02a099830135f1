//! Reports a stage's state to the stall detector.

use tokio::sync::oneshot;

use super::inlet::Inlet;
use super::outlet::Outlet;
use crate::wire::diagnosis::{Callback, Diagnosis};
use crate::wire::subscription::Subscription;

/// Returns the part of the diagnosis that the inlet and the outlet know, between two callbacks.
pub(super) fn halves<In: Send + 'static, Out>(inlet: &Inlet<In>, outlet: &Outlet<Out>) -> Diagnosis {
    let waiting = inlet.links().map(|(link, _)| link.waiting()).sum();
    let held_up = inlet.links().filter(|(link, paused)| *paused && link.waiting() > 0);
    Diagnosis {
        callback: Callback::None,
        in_hand: inlet.in_hand(),
        queued: waiting,
        buffered: outlet.buffered(),
        wanted: outlet.wanted(),
        consumers: outlet.subscriptions().iter().map(Subscription::consumer).collect(),
        paused: held_up.map(|(link, _)| link.subscription().producer()).collect(),
        mode: outlet.mode(),
        holds: 0,
        timer: None,
    }
}

/// Answers all pending questions.
pub(super) fn answer(
    questions: &mut Vec<oneshot::Sender<Diagnosis>>,
    mut diagnose: impl FnMut() -> Diagnosis,
) {
    for question in questions.drain(..) {
        // The caller may have stopped waiting.
        let _ = question.send(diagnose());
    }
}
