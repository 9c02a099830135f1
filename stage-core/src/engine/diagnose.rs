//! Reports a stage's state to the stall detector.

use tokio::sync::oneshot;

use super::sides::{Input, Output};
use crate::base::options::DemandMode;
use crate::wire::diagnosis::{Callback, Diagnosis};

/// Returns what the two sides of a stage know, between two callbacks.
pub(super) fn sides(input: &impl Input, output: &impl Output) -> Diagnosis {
    let mut diagnosis = Diagnosis {
        callback: Callback::None,
        in_hand: 0,
        queued: 0,
        buffered: 0,
        wanted: 0,
        consumers: Vec::new(),
        paused: Vec::new(),
        mode: DemandMode::Forward,
        holds: 0,
        timer: None,
    };
    input.diagnose(&mut diagnosis);
    output.diagnose(&mut diagnosis);
    diagnosis
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
