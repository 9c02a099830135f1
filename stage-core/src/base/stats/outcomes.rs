//! Counts of failed and of discarded events.

use std::fmt;

/// Counts of failed events, by the outcome that the step's failure policy chose.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::policy::FailurePolicy;
/// use stage_core::stats::EventFailures;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("parse")
///     .start_fn("texts", || Ok(["1", "two", "3"]))
///     .step_each_fn("parse", FailurePolicy::skip(), |text: &str| text.parse::<u32>())
///     .finish_fn("print", |number| println!("{number}"));
/// let report = pipeline.start().await?.join().await?;
/// let failures: EventFailures = report.stages[1].failures;
/// assert_eq!((failures.skipped, failures.to_string()), (1, "1 skipped".to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EventFailures {
    /// Attempts made after a failed one.
    pub retried: u64,
    /// Events skipped: not handled and not retried. A step that is fed by key also skips the events of a delivery
    /// that is rejected already.
    pub skipped: u64,
    /// Events set aside as dead letters.
    pub dead_lettered: u64,
    /// Attempts that exceeded the step's deadline; the event is also counted as retried, skipped, set aside or
    /// fatal.
    pub past_deadline: u64,
    /// Events whose failure ended the stage, which is restarted, or the pipeline.
    pub fatal: u64,
    /// Handlers rebuilt after a panic. The stage itself is not restarted.
    pub remade_handlers: u64,
}

/// Displays the counts that are not zero, separated by commas.
impl fmt::Display for EventFailures {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.retried, ["retried"; 2]),
            (self.skipped, ["skipped"; 2]),
            (self.dead_lettered, ["dead letter", "dead letters"]),
            (self.past_deadline, ["past the deadline"; 2]),
            (self.fatal, ["fatal"; 2]),
            (self.remade_handlers, ["handler rebuilt", "handlers rebuilt"]),
        ];
        for (place, (count, [one, many])) in counts.into_iter().filter(|(count, _)| *count > 0).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let name = if count == 1 { one } else { many };
            write!(f, "{comma}{count} {name}")?;
        }
        Ok(())
    }
}

/// Counts of discarded events, by reason.
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::stats::Discards;
/// use stage_core::testing::{ManualProducer, settle};
/// use stage_core::Capacity;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let options = StageOptions::named("source").buffer(Capacity::Bounded(2));
/// let source = ManualProducer::spawn(options).await;
/// source.emit(1..=5);
/// settle().await;
/// let discards: Discards = source.stage().stats().discards;
/// assert_eq!((discards.overflow, discards.total()), (3, 3));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Discards {
    /// There was no demand for them and the buffer was full.
    pub overflow: u64,
    /// No subscriber accepts them.
    pub unroutable: u64,
    /// A callback or the step's handler failed on them.
    pub failed: u64,
    /// The stage, or the stage they were meant for, had ended.
    pub ended: u64,
}

/// The reason an event is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discard {
    Overflow,
    Unroutable,
    Failed,
    Ended,
}

impl Discard {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Overflow => 0,
            Self::Unroutable => 1,
            Self::Failed => 2,
            Self::Ended => 3,
        }
    }
}

impl Discards {
    /// Returns the sum of all counts.
    pub const fn total(&self) -> u64 {
        self.overflow + self.unroutable + self.failed + self.ended
    }

    pub(super) const fn of([overflow, unroutable, failed, ended]: [u64; 4]) -> Self {
        Self { overflow, unroutable, failed, ended }
    }

    /// Returns the counts since `earlier`, an earlier reading for the same stage.
    pub(crate) const fn since(&self, earlier: &Self) -> Self {
        Self {
            overflow: self.overflow.saturating_sub(earlier.overflow),
            unroutable: self.unroutable.saturating_sub(earlier.unroutable),
            failed: self.failed.saturating_sub(earlier.failed),
            ended: self.ended.saturating_sub(earlier.ended),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.overflow += other.overflow;
        self.unroutable += other.unroutable;
        self.failed += other.failed;
        self.ended += other.ended;
    }
}

impl EventFailures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.retried += other.retried;
        self.skipped += other.skipped;
        self.dead_lettered += other.dead_lettered;
        self.past_deadline += other.past_deadline;
        self.fatal += other.fatal;
        self.remade_handlers += other.remade_handlers;
    }
}
