//! The rates of the last five minutes, one value a second.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// The number of seconds that are kept.
const KEPT: usize = 300;

/// The rates of the steps of one pipeline in the last five minutes.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The second of the last value, since the start of the pipeline.
    at: Option<u64>,
    steps: BTreeMap<String, VecDeque<f32>>,
}

/// The history as a viewer gets it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    at: Option<u64>,
    steps: Vec<(&'a str, Vec<f32>)>,
}

impl History {
    /// Adds the rates of the second `at`. Seconds that were left out get the same rates; those of the past are
    /// ignored.
    pub(crate) fn add<'a>(&mut self, at: u64, rates: impl Iterator<Item = (&'a str, f64)>) {
        let new = match self.at {
            Some(last) if at <= last => return,
            Some(last) => usize::try_from(at - last).unwrap_or(KEPT).min(KEPT),
            None => 1,
        };
        self.at = Some(at);
        for (step, rate) in rates {
            let values = match self.steps.get_mut(step) {
                Some(values) => values,
                None => self.steps.entry(step.to_owned()).or_default(),
            };
            #[allow(clippy::cast_possible_truncation, reason = "a picture")]
            values.extend(std::iter::repeat_n(rate as f32, new));
            values.drain(..values.len().saturating_sub(KEPT));
        }
    }

    /// Returns the history as JSON.
    pub(crate) fn json(&self) -> String {
        let steps = self.steps.iter().map(|(step, values)| (&**step, values.iter().copied().collect()));
        let steps = steps.collect();
        // Strings and numbers always have a form in JSON.
        serde_json::to_string(&Shown { at: self.at, steps }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_one_value_a_second_for_five_minutes() {
        let mut history = History::default();
        assert_eq!(history.json(), r#"{"at":null,"steps":[]}"#);
        history.add(7, [("a", 1.0)].into_iter());
        history.add(7, [("a", 9.0)].into_iter());
        history.add(9, [("a", 2.0), ("b", 3.5)].into_iter());
        history.add(3, [("a", 9.0)].into_iter());
        assert_eq!(history.json(), r#"{"at":9,"steps":[["a",[1.0,2.0,2.0]],["b",[3.5,3.5]]]}"#);
        history.add(u64::MAX, [("a", 4.0)].into_iter());
        assert_eq!(history.steps["a"].len(), KEPT);
    }
}
