//! The event-time progress of a stage.

/// The event-time progress that a stage announces to its subscribers, beside its events.
///
/// The engine carries it and never looks at it: a stage announces it with
/// [`Emitter::announce_progress`](crate::Emitter::announce_progress), and a stage that registered for it
/// receives a [`ProducerProgress`](crate::stage::ProducerProgress).
///
/// ```
/// use stage_core::stage::Progress;
///
/// let progress = Progress { reached: 1_000, idle: false };
/// assert!(progress.reached > Progress::UNKNOWN.reached);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The watermark, on a scale that the stages agree on: later events are not older, except for late ones.
    /// `i64::MIN` if there is none yet.
    pub reached: i64,
    /// Whether the stage waits for sources that have no events at the moment, so that its subscribers should
    /// not wait for it.
    pub idle: bool,
}

impl Progress {
    /// No progress is known.
    pub const UNKNOWN: Self = Self { reached: i64::MIN, idle: false };
}
