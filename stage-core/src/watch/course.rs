//! The verdicts on a pipeline over time: since when, how lasting, and whether it gets faster or slower.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::activity::Activity;
use super::lint::Lint;
use super::snapshot::Snapshot;
use super::verdict::Verdict;

/// The time that a verdict is based on.
const SPAN: Duration = Duration::from_secs(1);

/// The time for which the numbers must support another verdict before it replaces the present one.
const CONFIRM: Duration = Duration::from_millis(900);

/// The same for the verdict that nothing happens: sources with rare events are not idle in between.
const CONFIRM_IDLE: Duration = Duration::from_secs(10);

/// The time from which a verdict counts as chronic.
const CHRONIC: Duration = Duration::from_secs(30);

/// The time in the past that the present is compared with.
const AGO: Duration = Duration::from_secs(60);

/// The time over which rates are compared.
const RATE_OVER: Duration = Duration::from_secs(5);

/// The relative change of a rate from which it counts as faster or slower.
const CHANGED: f64 = 0.1;

/// The time for which a lint is still reported after the numbers no longer show it.
const KEPT: Duration = Duration::from_secs(10);

/// The course of a pipeline: a series of snapshots, and the assessment that follows from it.
///
/// A snapshot once or twice a second is enough; a verdict then follows a change within 3 seconds, and a load that
/// varies around a limit does not make it change back and forth. The assessment is a function of the snapshots
/// alone: no clock is read.
///
/// ```
/// use std::time::Duration;
/// use stage_core::watch::{Course, Persistence};
/// use stage_core::{Pipeline, sink};
/// use tokio::time::sleep;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let running = Pipeline::builder("upload")
/// #     .start_fn("files", || Ok(0_u64..))
/// #     .finish("store", || {
/// #         Ok(sink::for_each_async(|_: u64| async {
/// #             sleep(Duration::from_millis(5)).await;
/// #             Ok(())
/// #         }))
/// #     })
/// #     .start()
/// #     .await?;
/// let monitor = running.monitor();
/// let mut course = Course::new();
/// for _ in 0..100 {
///     course.add(monitor.snapshot());
///     sleep(Duration::from_millis(500)).await;
/// }
/// let assessment = course.assessment().ok_or("there are snapshots")?;
/// assert_eq!(assessment.verdict.step(), Some("store"));
/// assert_eq!(assessment.persistence, Persistence::Chronic);
/// println!("{assessment}");
/// # running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The snapshots of the last [`SPAN`], and the one before it.
    recent: VecDeque<Snapshot>,
    /// The events of each step so far, over the last [`AGO`] and [`RATE_OVER`].
    past: VecDeque<Point>,
    assessment: Option<Assessment>,
    /// When the present verdict began.
    since: Duration,
    /// Since when the numbers have supported another verdict, and which.
    other: Option<(Duration, Verdict)>,
    /// The lints, and when the numbers last showed them.
    lints: Vec<(Duration, Lint)>,
}

/// The events that each step has handled up to a moment.
#[derive(Clone, Debug)]
struct Point {
    at: Duration,
    events: Vec<(String, u64)>,
}

/// The assessment of a pipeline at one moment, made by [`Course`]. Its `Display` is the sentence of the verdict,
/// followed by how lasting it is and by the trend.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Assessment {
    /// The activity of the last second.
    pub activity: Activity,
    /// The step that limits the pipeline, and why.
    pub verdict: Verdict,
    /// The time for which the same step has been the limit.
    pub lasts: Duration,
    /// Whether the limit has lasted for long.
    pub persistence: Persistence,
    /// The throughput compared with a minute ago.
    pub trend: Trend,
    /// Unfavourable structures and options that the numbers of the last 10 seconds show.
    pub lints: Vec<Lint>,
}

/// Whether a limit has lasted for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Persistence {
    /// For at most 30 seconds.
    Transient,
    /// For more than 30 seconds.
    Chronic,
}

/// The throughput of the step that is the limit, or else of all steps, compared with a minute ago.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Trend {
    /// The snapshots do not reach that far back.
    Unknown,
    /// About the same: it differs by less than a tenth.
    Steady,
    /// Better, by this share of the former throughput.
    Faster(f64),
    /// Worse, by this share of the former throughput.
    Slower(f64),
}

impl Course {
    /// Creates a course without snapshots.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next snapshot of the pipeline. One that is not later than the last, such as that of a pipeline
    /// that was restarted, begins a new course.
    #[inline]
    pub fn add(&mut self, snapshot: Snapshot) {
        if self.recent.back().is_some_and(|last| snapshot.at < last.at) {
            *self = Self::new();
        }
        let at = snapshot.at;
        self.past.push_back(Point::of(&snapshot));
        while self.past.get(1).is_some_and(|second| second.at + AGO + RATE_OVER <= at) {
            self.past.pop_front();
        }
        self.recent.push_back(snapshot);
        while self.recent.get(1).is_some_and(|second| second.at + SPAN <= at) {
            self.recent.pop_front();
        }
        self.assess();
    }

    /// Returns the assessment after the last snapshot; `None` before the second one.
    #[inline]
    pub fn assessment(&self) -> Option<&Assessment> {
        self.assessment.as_ref()
    }

    #[inline]
    fn assess(&mut self) {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else { return };
        if first.at == last.at {
            return;
        }
        let (activity, now) = (last.since(first), last.at);
        let verdict = self.decide(&activity, now);
        self.note_lints(activity.lints(), now);
        let lasts = now.saturating_sub(self.since);
        self.assessment = Some(Assessment {
            trend: self.trend(verdict.step()),
            verdict,
            lasts,
            persistence: if lasts > CHRONIC { Persistence::Chronic } else { Persistence::Transient },
            lints: self.lints.iter().map(|(_, lint)| lint.clone()).collect(),
            activity,
        });
    }

    /// Returns the present verdict with the figures of this activity, or the one that replaces it.
    #[inline]
    fn decide(&mut self, activity: &Activity, now: Duration) -> Verdict {
        let Some(present) = self.assessment.as_ref().map(|assessment| &assessment.verdict) else {
            self.since = self.recent.front().map_or(now, |first| first.at);
            return activity.verdict();
        };
        let next = activity.verdict_after(present);
        if next.is_like(present) {
            self.other = None;
            return next;
        }
        let since = match &self.other {
            Some((since, other)) if other.is_like(&next) => *since,
            Some(_) | None => now,
        };
        let confirm = match (present, &next) {
            (_, Verdict::Idle) => CONFIRM_IDLE,
            (Verdict::Idle, _) => Duration::ZERO,
            _ => CONFIRM,
        };
        if now.saturating_sub(since) >= confirm {
            (self.since, self.other) = (since, None);
            return next;
        }
        self.other = Some((since, next));
        present.clone()
    }

    #[inline]
    fn note_lints(&mut self, found: Vec<Lint>, now: Duration) {
        for lint in found {
            match self.lints.iter_mut().find(|(_, known)| known.is_like(&lint)) {
                Some(known) => *known = (now, lint),
                None => self.lints.push((now, lint)),
            }
        }
        self.lints.retain(|(seen, _)| *seen + KEPT > now);
    }

    #[inline]
    fn trend(&self, step: Option<&str>) -> Trend {
        let Some(now) = self.past.back().map(|point| point.at) else { return Trend::Unknown };
        let (Some(then), Some(present)) =
            (now.checked_sub(AGO).and_then(|until| self.rate(until, step)), self.rate(now, step))
        else {
            return Trend::Unknown;
        };
        if then <= 0.0 {
            return if present > 0.0 { Trend::Unknown } else { Trend::Steady };
        }
        match present / then - 1.0 {
            change if change >= CHANGED => Trend::Faster(change),
            change if change <= -CHANGED => Trend::Slower(-change),
            _ => Trend::Steady,
        }
    }

    /// Returns the events per second up to a moment; `None` if the snapshots do not reach that far back.
    #[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    #[inline]
    fn rate(&self, until: Duration, step: Option<&str>) -> Option<f64> {
        let from = until.checked_sub(RATE_OVER)?;
        let at = |moment: Duration| self.past.iter().rfind(|point| point.at <= moment);
        let (first, last) = (at(from)?, at(until)?);
        let time = last.at.saturating_sub(first.at).as_secs_f64();
        let events = last.events(step).saturating_sub(first.events(step));
        (time > 0.0).then(|| events as f64 / time)
    }
}

impl Point {
    #[inline]
    fn of(snapshot: &Snapshot) -> Self {
        let mut events: Vec<(String, u64)> = Vec::new();
        for stage in &snapshot.stages {
            let handled = stage.stats.events_in.max(stage.stats.events_out);
            match events.last_mut().filter(|(step, _)| *step == stage.stats.step) {
                Some((_, sum)) => *sum += handled,
                None => events.push((stage.stats.step.clone(), handled)),
            }
        }
        Self { at: snapshot.at, events }
    }

    #[inline]
    fn events(&self, of: Option<&str>) -> u64 {
        let wanted = self.events.iter().filter(|(step, _)| of.is_none_or(|of| of == step));
        wanted.map(|(_, events)| events).sum()
    }
}

impl fmt::Display for Assessment {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict.to_string();
        f.write_str(verdict.trim_end_matches('.'))?;
        f.write_str(".")?;
        if self.persistence == Persistence::Chronic {
            write!(f, " This has lasted for {} s.", self.lasts.as_secs())?;
        }
        match self.trend {
            Trend::Unknown | Trend::Steady => Ok(()),
            Trend::Faster(share) => write!(f, " It is {:.0} % faster than a minute ago.", share * 100.0),
            Trend::Slower(share) => write!(f, " It is {:.0} % slower than a minute ago.", share * 100.0),
        }
    }
}
