//! Describes a stage that holds events and makes no progress: the reason, and the duration. Pure decisions.

use std::fmt;
use std::time::Duration;

use crate::base::options::DemandMode;
use crate::wire::diagnosis::{Callback, Diagnosis};

/// A stage that holds events and makes no progress.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::{Pipeline, sink};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let running = Pipeline::builder("stuck")
///     .start_fn("numbers", || Ok(0..100_u32))
///     .finish("wait", || Ok(sink::for_each_async(|_: u32| std::future::pending())))
///     .start()
///     .await?;
/// tokio::time::sleep(Duration::from_secs(1)).await;
/// let stalls = running.stalls(Duration::from_secs(5)).await;
/// assert!(stalls.iter().any(|stall| stall.stage == "wait/0"), "{stalls:?}");
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stall {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// The minimum time for which it has handled and handed out no events.
    pub since: Duration,
    /// The number of events that it holds: in a running callback, emitted but not handed out, or kept inside.
    /// Each batch that waits for its callback counts as one; the number is unknown for a stage that does not
    /// answer.
    pub holds: usize,
    /// The number of events that its subscribers want.
    pub wanted: usize,
    /// The reasons for the stall. There is at least one.
    pub waits_for: Vec<WaitsFor>,
}

/// A reason for a stall.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
/// use stage_core::pipeline::WaitsFor;
/// use stage_core::testing::{Probe, settle};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (probe, _seen) = Probe::<u32>::hanging();
/// let running = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..1_000_u32))
///     .finish("probe", move || Ok(probe.clone()))
///     .start()
///     .await?;
/// settle().await;
/// let stalls = running.stalls(Duration::from_secs(1)).await;
/// let probe = stalls.iter().find(|stall| stall.stage == "probe/0").ok_or("it hangs")?;
/// assert!(probe.waits_for.contains(&WaitsFor::Callback));
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WaitsFor {
    /// A callback that has begun and not returned.
    Callback,
    /// The stage does not answer: its callback blocks its thread, or the stage has not come up.
    Answer,
    /// The stage is down and waits for its restart.
    Restart,
    /// One of these consumers must ask for more.
    Demand {
        /// The consumers, as `step/copy`; empty if there are no subscribers.
        consumers: Vec<String>,
    },
    /// Its paused subscriptions to these producers must be resumed.
    Resume {
        /// The producers, as `step/copy`.
        producers: Vec<String>,
    },
    /// Its demand mode must be set to forward.
    Forward,
    /// The tasks that own its [holds](crate::stage::Hold) must drop them.
    Holds {
        /// The number of holds.
        holds: usize,
    },
    /// A timer of its own.
    Timer {
        /// The time until it is due.
        due: Duration,
    },
    /// Something outside of the pipeline, such as a server that is away; see
    /// [`Emitter::set_waiting_for`](crate::Emitter::set_waiting_for).
    Outside {
        /// The text that the stage set.
        what: String,
    },
    /// The stage keeps events for reasons that the engine does not know.
    Itself,
}

impl Stall {
    /// Evaluates the answer of a stage that keeps `kept` events inside; returns `None` if it holds no events.
    pub(super) fn of(stage: String, since: Duration, kept: usize, told: &Diagnosis) -> Option<Self> {
        let holds = told.in_hand + told.queued + told.buffered + kept;
        if holds + told.holds == 0 {
            return None;
        }
        let waits_for = reasons(told, kept);
        Some(Self { stage, since, holds, wanted: told.wanted, waits_for })
    }

    /// Describes a stage that waits for something outside of the pipeline, whether it holds events or not.
    pub(super) fn outside(
        stage: String,
        since: Duration,
        kept: usize,
        told: &Diagnosis,
        what: String,
    ) -> Self {
        let holds = told.in_hand + told.queued + told.buffered + kept;
        Self { stage, since, holds, wanted: told.wanted, waits_for: vec![WaitsFor::Outside { what }] }
    }

    /// Describes a stage that gave no answer.
    pub(super) fn silent(stage: String, since: Duration, why: WaitsFor) -> Self {
        Self { stage, since, holds: 0, wanted: 0, waits_for: vec![why] }
    }

    /// Returns whether the stage will continue at a known time.
    pub(super) fn has_its_time(&self) -> bool {
        matches!(self.waits_for[..], [WaitsFor::Timer { .. }])
    }

    /// Returns whether the stage only waits for `others`, which are the actual cause.
    pub(super) fn is_caused_by(&self, others: &[Self]) -> bool {
        self.waits_for.iter().all(|waits_for| match waits_for {
            WaitsFor::Demand { consumers } => others.iter().any(|other| consumers.contains(&other.stage)),
            WaitsFor::Callback
            | WaitsFor::Answer
            | WaitsFor::Restart
            | WaitsFor::Resume { .. }
            | WaitsFor::Forward
            | WaitsFor::Holds { .. }
            | WaitsFor::Timer { .. }
            | WaitsFor::Outside { .. }
            | WaitsFor::Itself => false,
        })
    }
}

fn reasons(told: &Diagnosis, kept: usize) -> Vec<WaitsFor> {
    let names = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect();
    // A callback that waits is no reason for events that a source has already emitted.
    if told.callback == Callback::Waits && told.in_hand + told.queued + kept > 0 {
        return vec![WaitsFor::Callback];
    }
    let mut reasons = Vec::new();
    if told.mode == DemandMode::Accumulate {
        reasons.push(WaitsFor::Forward);
    } else if told.wanted == 0 && told.buffered + told.queued + kept > 0 && told.paused.is_empty() {
        reasons.push(WaitsFor::Demand { consumers: names(&told.consumers) });
    }
    if !told.paused.is_empty() {
        reasons.push(WaitsFor::Resume { producers: names(&told.paused) });
    }
    if told.holds > 0 {
        reasons.push(WaitsFor::Holds { holds: told.holds });
    }
    if let Some(due) = told.timer {
        reasons.push(WaitsFor::Timer { due });
    }
    if reasons.is_empty() {
        reasons.push(WaitsFor::Itself);
    }
    reasons
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, since, holds, waits_for, .. } = self;
        write!(
            f,
            "the stage `{stage}` has made no progress for {since:?}: it holds {holds} events and waits for "
        )?;
        for (place, waits_for) in waits_for.iter().enumerate() {
            let separator = if place > 0 { ", and for " } else { "" };
            write!(f, "{separator}{waits_for}")?;
        }
        Ok(())
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Callback => f.write_str("its callback, which has not returned"),
            Self::Answer => f.write_str("its callback, which blocks its thread"),
            Self::Restart => f.write_str("its restart"),
            Self::Demand { consumers } if consumers.is_empty() => f.write_str("a consumer"),
            Self::Demand { consumers } => write!(f, "demand from `{}`", consumers.join("` or `")),
            Self::Resume { producers } => {
                write!(f, "its subscription to `{}` to be resumed", producers.join("` and `"))
            }
            Self::Forward => f.write_str("its demand mode to be set to forward"),
            Self::Holds { holds: 1 } => f.write_str("a hold to be dropped"),
            Self::Holds { holds } => write!(f, "{holds} holds to be dropped"),
            Self::Timer { due } => write!(f, "a timer due in {due:?}"),
            Self::Outside { what } => f.write_str(what),
            Self::Itself => f.write_str("a condition of its own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle() -> Diagnosis {
        Diagnosis {
            callback: Callback::None,
            in_hand: 0,
            queued: 0,
            buffered: 0,
            wanted: 0,
            consumers: vec!["sink/0".into()],
            paused: Vec::new(),
            mode: DemandMode::Forward,
            holds: 0,
            timer: None,
        }
    }

    fn stalled(stage: &str, told: &Diagnosis) -> Option<Stall> {
        Stall::of(stage.to_owned(), Duration::from_secs(9), 0, told)
    }

    #[test]
    fn a_stage_that_holds_nothing_waits_for_work_and_is_not_stalled() {
        assert_eq!(stalled("step/0", &Diagnosis { callback: Callback::Waits, wanted: 5, ..idle() }), None);
    }

    #[test]
    fn each_reason_has_its_own_text() {
        let second = Duration::from_secs(1);
        for (told, expected) in [
            (
                Diagnosis { callback: Callback::Waits, in_hand: 3, wanted: 5, ..idle() },
                "it holds 3 events and waits for its callback, which has not returned",
            ),
            (Diagnosis { buffered: 7, ..idle() }, "it holds 7 events and waits for demand from `sink/0`"),
            (
                Diagnosis { buffered: 7, consumers: Vec::new(), ..idle() },
                "it holds 7 events and waits for a consumer",
            ),
            (
                Diagnosis { queued: 2, paused: vec!["source/0".into()], ..idle() },
                "it holds 2 events and waits for its subscription to `source/0` to be resumed",
            ),
            (
                Diagnosis { buffered: 1, mode: DemandMode::Accumulate, ..idle() },
                "it holds 1 events and waits for its demand mode to be set to forward",
            ),
            (
                Diagnosis { queued: 1, wanted: 1, holds: 2, timer: Some(second), ..idle() },
                "it holds 1 events and waits for 2 holds to be dropped, and for a timer due in 1s",
            ),
            (
                Diagnosis { queued: 1, wanted: 1, ..idle() },
                "it holds 1 events and waits for a condition of its own",
            ),
        ] {
            let text = stalled("step/0", &told).map(|stall| stall.to_string());
            let expected = format!("the stage `step/0` has made no progress for 9s: {expected}");
            assert_eq!(text, Some(expected));
        }
    }

    #[test]
    fn a_stage_that_waits_for_a_server_is_stalled_although_it_holds_nothing() {
        let second = Duration::from_secs(1);
        let told = Diagnosis { callback: Callback::Waits, wanted: 5, ..idle() };
        let what = "the server db:5432: connection refused".to_owned();
        assert_eq!(
            Stall::outside("jobs/0".to_owned(), second, 0, &told, what).to_string(),
            "the stage `jobs/0` has made no progress for 1s: it holds 0 events and waits for the server db:5432: \
             connection refused"
        );
    }

    #[test]
    fn a_stage_that_waits_for_a_stalled_one_is_not_reported() {
        let sink = stalled("sink/0", &Diagnosis { callback: Callback::Waits, in_hand: 1, ..idle() }).unwrap();
        let source = stalled("source/0", &Diagnosis { buffered: 1, ..idle() }).unwrap();
        let all = [source, sink];
        assert!(all[0].is_caused_by(&all) && !all[1].is_caused_by(&all));
        assert!(!all[0].is_caused_by(&all[..1]));
    }
}
