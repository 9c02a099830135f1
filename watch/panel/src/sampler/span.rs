//! The snapshots of the last seconds, from which activities follow.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use stage_core::watch::{Activity, Assessment, Course, Snapshot};

/// The time that the states of a step cover.
const FAR: Duration = Duration::from_secs(10);

/// The time that rates, queues and the verdict cover.
const NEAR: Duration = Duration::from_secs(2);

/// The minimum time between two kept snapshots.
const BETWEEN: Duration = Duration::from_millis(450);

/// The snapshots of the last seconds of one pipeline.
#[derive(Debug, Default)]
pub(crate) struct Span {
    kept: VecDeque<Arc<Snapshot>>,
    last: Option<Arc<Snapshot>>,
    course: Course,
}

impl Span {
    /// Adds a snapshot; returns whether it continues the others. It does not if the pipeline is another one.
    pub(crate) fn add(&mut self, snapshot: Snapshot) -> bool {
        let snapshot = Arc::new(snapshot);
        let continues = self.last.as_ref().is_none_or(|last| last.at <= snapshot.at);
        if !continues {
            self.kept.clear();
            self.course = Course::new();
        }
        let at = snapshot.at;
        if self.kept.back().is_none_or(|kept| kept.at + BETWEEN <= at) {
            self.course.add(Snapshot::clone(&snapshot));
            self.kept.push_back(Arc::clone(&snapshot));
        }
        while self.kept.get(1).is_some_and(|second| second.at + FAR <= at) {
            self.kept.pop_front();
        }
        self.last = Some(snapshot);
        continues
    }

    /// Returns the last snapshot.
    pub(crate) fn last(&self) -> Option<&Snapshot> {
        self.last.as_deref()
    }

    /// Returns the assessment of the pipeline.
    pub(crate) fn assessment(&self) -> Option<&Assessment> {
        self.course.assessment()
    }

    /// Returns the activity of the last ten seconds, as far as they are known.
    pub(crate) fn far(&self) -> Option<Activity> {
        self.since(FAR)
    }

    /// Returns the activity of the last two seconds, as far as they are known.
    pub(crate) fn near(&self) -> Option<Activity> {
        self.since(NEAR)
    }

    fn since(&self, ago: Duration) -> Option<Activity> {
        let last = self.last()?;
        let before = self.kept.iter().rev().find(|kept| kept.at + ago <= last.at).or(self.kept.front())?;
        Some(last.since(before))
    }
}
