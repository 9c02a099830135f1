//! Reports a stage's state to the stall detector.

use tokio::sync::oneshot;

use super::sides::{InputControl, OutputControl};
use crate::base::options::DemandMode;
use crate::wire::diagnosis::{Callback, Diagnosis};

/// Answers all pending questions, about a stage with these sides.
pub(super) fn answer(
    questions: &mut Vec<oneshot::Sender<Diagnosis>>,
    input: &dyn InputControl,
    output: &dyn OutputControl,
    adjust: &mut dyn FnMut(&mut Diagnosis),
) {
    for question in questions.drain(..) {
        let mut diagnosis = sides(input, output);
        adjust(&mut diagnosis);
        // The caller may have stopped waiting.
        let _ = question.send(diagnosis);
    }
}

/// Returns what the two sides of a stage know, between two callbacks.
fn sides(input: &dyn InputControl, output: &dyn OutputControl) -> Diagnosis {
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
