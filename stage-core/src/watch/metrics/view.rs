//! The numbers of one pipeline, added up by step or listed by copy, each with its labels.

use std::collections::BTreeMap;
use std::time::Duration;

use super::labels::label;
use crate::base::stats::{
    Discards, EventFailures, Gauge, GaugeValue, StageHistograms, StageState, StateTimes,
};
use crate::supervise::{Nature, StageEntry, step_of};
use crate::sync::Arc;
use crate::timed::Histogram;
use crate::watch::board::Entry;
use crate::watch::snapshot::{LinkSnapshot, StageSnapshot};
use crate::watch::status::Status;

/// The samples of one step, or of one copy of it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) labels: String,
    pub(super) copies: u64,
    pub(super) events_in: u64,
    pub(super) events_out: u64,
    pub(super) batches: u64,
    pub(super) buffered: u64,
    pub(super) held: u64,
    pub(super) left_out: u64,
    /// Held events that wait for their next attempt.
    pub(super) retries: u64,
    /// The events that may be in progress, if that is more than one for each copy.
    pub(super) at_once: Option<u64>,
    pub(super) restarts: u64,
    pub(super) discards: Discards,
    pub(super) failures: EventFailures,
    pub(super) times: StateTimes,
    /// The histograms of the copies that are, or were, measured.
    pub(super) histograms: Vec<Arc<StageHistograms>>,
    /// The values that the code of the copies shows.
    pub(super) gauges: Vec<Gauge>,
    /// The age of the callback that has run longest, up to now.
    pub(super) callback_age: Duration,
}

/// The samples of all links between two steps.
#[derive(Debug)]
pub(super) struct LinkRow {
    pub(super) labels: String,
    pub(super) link: LinkSnapshot,
    /// The waits of the consumers that are, or were, measured.
    pub(super) waits: Vec<Arc<Histogram>>,
}

/// One pipeline.
#[derive(Debug)]
pub(super) struct View {
    pub(super) labels: String,
    pub(super) status: Status,
    pub(super) rows: Vec<Row>,
    pub(super) links: Vec<LinkRow>,
    /// The labels and the numbers of each partition of a flow.
    pub(super) event_times: Vec<(String, Option<Duration>, u64)>,
}

/// Whether copies are listed one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    #[default]
    Steps,
    Copies,
}

impl View {
    #[inline]
    pub(super) fn of(entry: &Entry, detail: Detail) -> Self {
        let (snapshot, status) = (entry.monitor().snapshot(), entry.status());
        let mut labels = String::new();
        label(&mut labels, "pipeline", entry.name());
        let mut rows: Vec<(&str, Row)> = Vec::new();
        let entries = entry.monitor().stages.iter().filter(|stage| matches!(stage.nature, Nature::Stage));
        for (stage, known) in snapshot.stages.iter().zip(entries) {
            let step = stage.stats.step.as_str();
            let last = rows.last_mut().filter(|(last, _)| detail == Detail::Steps && *last == step);
            if let Some((_, row)) = last {
                row.add(stage, known);
                continue;
            }
            let mut row = Row { labels: labels.clone(), ..Row::default() };
            label(&mut row.labels, "step", step);
            if detail == Detail::Copies {
                label(&mut row.labels, "copy", &stage.stats.copy.to_string());
            }
            row.add(stage, known);
            rows.push((step, row));
        }
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        let mut waits = waits(entry);
        let links = snapshot.links.into_iter().map(|link| {
            let mut labels = labels.clone();
            label(&mut labels, "from", &link.from);
            label(&mut labels, "to", &link.to);
            let waits = waits.remove(&(link.from.clone(), link.to.clone())).unwrap_or_default();
            LinkRow { labels, link, waits }
        });
        let event_times = status.event_times.iter().map(|times| {
            let mut labels = labels.clone();
            label(&mut labels, "step", &times.step);
            label(&mut labels, "partition", &times.partition.to_string());
            (labels, times.lag, times.late)
        });
        Self { rows, links: links.collect(), event_times: event_times.collect(), labels, status }
    }
}

/// Returns the waits on the links between steps, as far as they are or were measured.
#[inline]
fn waits(entry: &Entry) -> BTreeMap<(String, String), Vec<Arc<Histogram>>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for stage in entry.monitor().stages.iter() {
        for (consumer, waits) in stage.counters.links.waits() {
            all.entry((stage.step.to_string(), step_of(&consumer).to_owned())).or_default().push(waits);
        }
    }
    all
}

impl Row {
    /// Adds up the counts of several copies; of times, the longest applies, and of texts, the first.
    #[inline]
    fn add_gauge(&mut self, gauge: &Gauge) {
        let same = |known: &&mut Gauge| (known.name, &known.of) == (gauge.name, &gauge.of);
        match self.gauges.iter_mut().find(same).map(|known| &mut known.value) {
            None => self.gauges.push(gauge.clone()),
            Some(known) => match (known, &gauge.value) {
                (GaugeValue::Count(sum), GaugeValue::Count(count)) => *sum = sum.saturating_add(*count),
                (GaugeValue::Time(longest), GaugeValue::Time(time)) => *longest = (*longest).max(*time),
                _ => {}
            },
        }
    }

    #[inline]
    fn add(&mut self, stage: &StageSnapshot, known: &StageEntry) {
        let requests = known.control.requests();
        self.histograms.extend(requests.and_then(|requests| requests.histograms()).cloned());
        let stats = &stage.stats;
        self.copies += u64::from(!known.is_dormant());
        self.events_in += stats.events_in;
        self.events_out += stats.events_out;
        self.batches += stats.batches;
        self.buffered += stats.buffered;
        self.held += stats.held;
        self.left_out += stats.left_out;
        self.retries += stats.retries;
        if let Some(events) = stats.at_once {
            *self.at_once.get_or_insert(0) += events as u64;
        }
        self.restarts += stats.restarts;
        self.discards.add(&stats.discards);
        self.failures.add(&stats.failures);
        stats.gauges.iter().for_each(|gauge| self.add_gauge(gauge));
        self.times = self.times.and(&stage.times);
        let in_callback = match stage.state {
            Some(StageState::Working) => true,
            Some(StageState::Waiting) => !stage.is_source,
            Some(StageState::Starved | StageState::HeldUp | StageState::Scheduled) | None => false,
        };
        if in_callback {
            self.callback_age = self.callback_age.max(stage.state_age);
        }
    }
}
