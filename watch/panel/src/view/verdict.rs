//! The verdict on a pipeline, as JSON.

use serde::Serialize;
use stage_core::watch::{Assessment, Verdict};

/// The time from which on an activity is long enough for a verdict, in seconds.
const LONG_ENOUGH: f64 = 0.9;

/// The verdict on a pipeline.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VerdictView {
    kind: &'static str,
    pub(super) text: String,
    /// The steps that limit the pipeline.
    pub(super) steps: Vec<String>,
    /// The time for which the same steps have limited it, in seconds.
    since: f64,
}

impl VerdictView {
    /// Shows an assessment; without one, or before a second has passed, that it is being made.
    pub(crate) fn of(assessment: Option<&Assessment>) -> Self {
        let long_enough = |assessment: &&Assessment| assessment.activity.elapsed.as_secs_f64() >= LONG_ENOUGH;
        let Some(assessment) = assessment.filter(long_enough) else {
            let text = "The first second is measured.".to_owned();
            return Self { kind: "measuring", text, steps: Vec::new(), since: 0.0 };
        };
        let (kind, steps) = match &assessment.verdict {
            Verdict::Bottleneck(bottleneck) => ("bottleneck", vec![bottleneck.step.clone()]),
            Verdict::SourceBound { source, .. } => ("source", vec![source.clone()]),
            Verdict::RuntimeBound { steps, .. } => ("runtime", steps.clone()),
            Verdict::Balanced { .. } => ("balanced", Vec::new()),
            _ => ("idle", Vec::new()),
        };
        let since = assessment.lasts.as_secs_f64();
        Self { kind, text: sentence(&assessment.to_string()), steps, since }
    }
}

/// Returns the text with a capital and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let capital = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = capital.chain(letters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_verdict_is_a_sentence() {
        assert_eq!(sentence("the source `a` is the limit"), "The source `a` is the limit.");
        assert_eq!(sentence("`b` helps."), "`b` helps.");
        assert_eq!(sentence(""), ".");
    }
}
