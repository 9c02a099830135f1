//! How a stage stands, told to those who ask since it does not get on.

use tokio::sync::oneshot;

use super::inlet::Inlet;
use super::outlet::Outlet;
use crate::wire::diagnosis::{Callback, Diagnosis};
use crate::wire::subscription::Subscription;

/// What the halves of a stage know, between two callbacks.
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

/// Answers everybody who asked.
pub(super) fn answer(
    questions: &mut Vec<oneshot::Sender<Diagnosis>>,
    mut diagnose: impl FnMut() -> Diagnosis,
) {
    for question in questions.drain(..) {
        // Whoever asked may have gone.
        let _ = question.send(diagnose());
    }
}
