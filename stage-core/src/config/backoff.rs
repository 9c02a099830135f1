//! Combines the declared restart back-off of a pipeline with overrides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, Problem};
use crate::base::backoff::Backoff;

/// The number of restarts within the period after which a pipeline gives up, or of the retries of an event: a number, or the
/// word `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attempts {
    /// This number of restarts or retries.
    Most(u32),
    /// No limit; of restarts, only `max_restarts` applies.
    Unlimited(Unlimited),
}

/// The word `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlimited {
    /// `unlimited`.
    Unlimited,
}

/// The keys, each with a description of its legal values.
pub(super) const FIRST: (&str, &str) =
    ("backoff.first_seconds", "a number of seconds, from 0 to backoff.most_seconds");
pub(super) const MOST: (&str, &str) = ("backoff.most_seconds", "a number of seconds, 0 or more");
pub(super) const ATTEMPTS: (&str, &str) =
    ("backoff.attempts", "a whole number of restarts, or \"unlimited\"");

/// The parts of a back-off set by overrides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    pub(super) first: Option<Duration>,
    pub(super) most: Option<Duration>,
    pub(super) attempts: Option<Attempts>,
}

impl Waits {
    /// Returns the effective back-off: unset parts keep their declared value, and if only one of the two
    /// delays is known, the other equals it.
    pub(super) fn over(
        self,
        declared: Option<Backoff>,
        origin: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Backoff>, ConfigError> {
        let (first, most, attempts) = match declared.map(|declared| declared.parts()) {
            Some((first, most, attempts)) => (Some(first), Some(most), attempts),
            None => (None, None, None),
        };
        let (first, most) = (self.first.or(first), self.most.or(most));
        let (first, most) = (first.or(most).unwrap_or_default(), most.or(first).unwrap_or_default());
        let attempts = match self.attempts {
            Some(Attempts::Most(attempts)) => Some(attempts),
            Some(Attempts::Unlimited(_)) => None,
            None => attempts,
        };
        if first > most {
            let ((path, legal), found, other) = if self.first.is_some() {
                (FIRST, first, most)
            } else {
                ((MOST.0, AT_LEAST_FIRST), most, first)
            };
            let found = format!("{} (the other is {})", found.as_secs_f64(), other.as_secs_f64());
            let origin = origin(path).unwrap_or_else(|| "the declaration".to_owned());
            return Err(ConfigError {
                origin,
                path: path.to_owned(),
                problem: Problem::Value { legal, found },
            });
        }
        let waits = !most.is_zero() || attempts.is_some();
        let backoff = Backoff::new(first, most);
        Ok(waits.then(|| attempts.map_or(backoff, |attempts| backoff.attempts(attempts))))
    }
}

const AT_LEAST_FIRST: &str = "a number of seconds, at least backoff.first_seconds";
