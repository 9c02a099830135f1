//! The options of a source on a server.

use std::time::Duration;

use stage_core::Backoff;
use stage_core::ack::{AckOptions, Reason};

use crate::disposition::Disposition;
use crate::one_line::one_line;
use crate::outage::without_limit;

/// Options of [`source::pulled`](crate::source::pulled).
///
/// ```
/// use std::time::Duration;
/// use stage_connect::PullOptions;
/// use stage_core::Backoff;
///
/// let options = PullOptions::new()
///     .attempts(3)
///     .retry(Backoff::new(Duration::from_secs(10), Duration::from_secs(600)));
/// # let _ = options;
/// ```
///
/// The calls of the server have limits:
///
/// ```
/// use std::time::Duration;
///
/// use stage_connect::PullOptions;
/// use stage_core::Backoff;
///
/// let options = PullOptions::new()
///     .reconnect(Backoff::new(Duration::from_millis(10), Duration::from_secs(1)))
///     .linger(Duration::from_millis(50))
///     .at_most(100)
///     .wait(Duration::from_secs(5))
///     .answer_within(Duration::from_secs(10));
/// assert_ne!(options, PullOptions::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct PullOptions {
    attempts: u32,
    retry: Backoff,
    reconnect: Backoff,
    linger: Duration,
    pub(crate) at_most: usize,
    pub(crate) wait: Duration,
    pub(crate) answer: Duration,
}

impl PullOptions {
    /// Returns the defaults: 5 attempts, 1 s to 5 minutes apart.
    pub const fn new() -> Self {
        let (second, most) = (Duration::from_secs(1), Duration::from_secs(300));
        Self {
            attempts: 5,
            retry: Backoff::new(second, most),
            reconnect: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
            linger: Duration::from_millis(5),
            at_most: 1000,
            wait: Duration::from_secs(20),
            answer: Duration::from_secs(30),
        }
    }

    /// Sets the number of attempts before a message is dead, at least 1; `u32::MAX` for no limit. Default: 5.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// Sets the delay before a message that failed is delivered again; a limit on attempts in `backoff` is ignored.
    /// Default: 1 s, doubling up to 5 minutes.
    pub const fn retry(mut self, backoff: Backoff) -> Self {
        self.retry = backoff;
        self
    }

    /// Sets the delays between attempts to reach the server; a limit on attempts in `backoff` is ignored. Default:
    /// 100 ms, doubling up to 10 s.
    pub const fn reconnect(mut self, backoff: Backoff) -> Self {
        self.reconnect = backoff;
        self
    }

    /// Sets how long the first verdict waits for others, to be reported in one call. Default: 5 ms.
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets the maximum number of messages per call of [`pull`](crate::Pull::pull), at least 1. Default: 1000.
    pub const fn at_most(mut self, messages: usize) -> Self {
        self.at_most = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets how long the server may hold a call of [`pull`](crate::Pull::pull) while it has no messages. A drain does
    /// not wait for it. Default: 20 s.
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how long a call may take, in addition to [`wait`](Self::wait), before the connection counts as lost.
    /// Default: 30 s.
    pub const fn answer_within(mut self, limit: Duration) -> Self {
        self.answer = limit;
        self
    }

    pub(crate) fn acknowledgement(&self, lease: Option<Duration>) -> AckOptions {
        let options = AckOptions::new().linger(self.linger).retry(self.reconnections());
        lease.map_or(options, |lease| options.heartbeat(lease / 3))
    }

    pub(crate) fn reconnections(&self) -> Backoff {
        without_limit(self.reconnect)
    }

    /// Decides on a delivery that was rejected in its `attempt`, counted from 1.
    pub(crate) fn decide(&self, reason: &Reason, attempt: u32, seed: u64) -> Disposition {
        match reason {
            Reason::Stopped | Reason::Untried => Disposition::Release,
            Reason::Postponed(after) => Disposition::Retry { after: *after },
            Reason::Hopeless(_) => Disposition::Dead { cause: one_line(reason) },
            // `Reason` may grow: whatever else happened to a delivery, it was not handled.
            _ if self.attempts != u32::MAX && attempt >= self.attempts => {
                Disposition::Dead { cause: one_line(reason) }
            }
            _ => {
                let retry = without_limit(self.retry);
                let after = retry.delay(attempt.saturating_sub(1), seed).unwrap_or_default();
                Disposition::Retry { after }
            }
        }
    }
}

impl Default for PullOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_are_retried_after_growing_delays_until_the_attempts_are_used_up() {
        let options = PullOptions::new().attempts(3).retry(Backoff::new(SECOND, 8 * SECOND).attempts(1));
        let after = |attempt| match options.decide(&Reason::Dropped, attempt, 7) {
            Disposition::Retry { after } => after,
            other => panic!("attempt {attempt}: {other:?}"),
        };
        assert!(after(1) >= SECOND / 2 && after(1) <= SECOND);
        assert!(after(2) >= SECOND && after(2) <= 2 * SECOND);
        let dead = Disposition::Dead { cause: "no ink".to_owned() };
        assert_eq!(options.decide(&Reason::failed("no\n  ink"), 3, 7), dead);
        assert_eq!(options.decide(&Reason::failed("no ink"), 9, 7), dead);
    }

    #[test]
    fn a_message_that_failed_nowhere_is_released_and_a_hopeless_one_is_dead_at_once() {
        let options = PullOptions::new().attempts(1);
        for reason in [Reason::Stopped, Reason::Untried] {
            assert_eq!(options.decide(&reason, 9, 7), Disposition::Release);
        }
        assert_eq!(options.decide(&Reason::Postponed(SECOND), 9, 7), Disposition::Retry { after: SECOND });
        let dead = Disposition::Dead { cause: "no ink".to_owned() };
        assert_eq!(PullOptions::new().decide(&Reason::hopeless("no ink"), 1, 7), dead);
    }

    #[test]
    fn without_a_limit_no_number_of_failures_kills_a_message() {
        let options = PullOptions::new().attempts(u32::MAX);
        assert!(matches!(options.decide(&Reason::Dropped, u32::MAX, 7), Disposition::Retry { .. }));
    }
}
