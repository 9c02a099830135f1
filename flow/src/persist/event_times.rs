//! The watermark of events that another program numbers and sends.

use std::time::Duration;

use crate::refused::Refused;
use crate::source::Clock;

/// The watermark of one part of a source, by the rules of [`Flow::event_time`](crate::Flow::event_time): a function of
/// the times of its events, in their order, and of its pauses.
#[derive(Clone, Debug)]
pub struct EventTimes {
    clock: Clock,
}

impl EventTimes {
    /// Creates the watermark of a part without events. `most_ahead` is that of
    /// [`Flow::event_time`](crate::Flow::event_time), at least 1 ms.
    ///
    /// # Errors
    ///
    /// If `most_ahead` is zero, or has a fraction of a millisecond.
    #[track_caller]
    pub fn new(most_ahead: Duration) -> Result<Self, Refused> {
        let most_ahead = Refused::millis("the most_ahead of EventTimes", most_ahead, 1)?;
        Ok(Self { clock: Clock::new(most_ahead) })
    }

    /// Observes the time of the next event, in milliseconds. Returns the watermark behind it, if there is one yet.
    pub fn see(&mut self, at: i64) -> Option<i64> {
        self.clock.see(at)
    }

    /// Notes a pause: the next event moves the watermark, however far ahead it is. Returns the watermark.
    pub fn pause(&mut self) -> Option<i64> {
        self.clock.pause()
    }

    /// Notes the end. Returns the watermark of a part that had none before, because it has few events.
    pub fn end(&mut self) -> Option<i64> {
        self.clock.end()
    }
}
