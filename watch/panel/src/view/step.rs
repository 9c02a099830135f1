//! The activity of one step, as JSON.

use std::time::Duration;

use serde::Serialize;
use stage_core::stats::{Gauge, GaugeValue, StageState, StateTimes};
use stage_core::watch::{CopyActivity, StageSnapshot, StepActivity};

/// The activity of one step.
#[derive(Debug, Serialize)]
pub(super) struct StepTick<'a> {
    pub(super) name: &'a str,
    pub(super) source: bool,
    paused: bool,
    /// The condition outside the pipeline that a copy waits for.
    waiting_for: Option<&'a str>,
    placement: String,
    /// Thousandths of the time in each state, over all copies.
    times: [u16; 5],
    /// Events a second.
    r#in: f64,
    out: f64,
    in_total: u64,
    out_total: u64,
    /// The mean number of events of a batch.
    batch: Option<f64>,
    skew: f64,
    held: u64,
    /// Held events that wait for their next attempt.
    retries: u64,
    left_out: u64,
    /// The events that the copies may handle at once now, if that is more than one each.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_once: Option<usize>,
    buffered: u64,
    demand: u64,
    discarded: u64,
    restarts: u64,
    /// Overflow, unroutable, failed, ended.
    discards: [u64; 4],
    /// Retried, skipped, dead-lettered, past the deadline, rebuilt handlers.
    failures: [u64; 5],
    /// The values that the code of the copies shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gauges: Vec<GaugeTick<'a>>,
    copies: Vec<CopyTick>,
}

/// A value that a stage shows.
#[derive(Debug, Serialize)]
struct GaugeTick<'a> {
    name: &'a str,
    of: &'a str,
    value: String,
}

/// The state or -1, thousandths of the time in the five states, events a second in and out, events held, restarts.
type CopyTick = (i8, u16, u16, u16, u16, u16, f64, f64, u64, u64);

/// The same step in the last snapshot, and in activities of two lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled<'a, 'b> {
    pub(super) stages: &'b [&'a StageSnapshot],
    pub(super) far: &'a StepActivity,
    pub(super) near: &'b StepActivity,
    /// The length of `near`.
    pub(super) elapsed: Duration,
}

impl<'a> StepTick<'a> {
    /// Shows the states of `far`, and the rates of `near`.
    pub(super) fn new(step: Sampled<'a, '_>, paused: bool) -> Self {
        let Sampled { stages, far, near, elapsed } = step;
        let sum = |count: fn(&StageSnapshot) -> u64| stages.iter().map(|stage| count(stage)).sum::<u64>();
        let moved = |count: fn(&CopyActivity) -> u64| near.copies.iter().map(count).sum::<u64>();
        let (input, output) = (moved(|copy| copy.events_in), moved(|copy| copy.events_out));
        let (events, batches) = (if far.is_source { output } else { input }, moved(|copy| copy.batches));
        Self {
            name: &far.step,
            source: far.is_source,
            paused,
            waiting_for: stages.iter().find_map(|stage| stage.waiting_for.as_deref()),
            placement: format!("{:?}", far.placement).to_lowercase(),
            times: thousandths(&far.times()),
            r#in: per_second(input, elapsed),
            out: per_second(output, elapsed),
            in_total: sum(|stage| stage.stats.events_in),
            out_total: sum(|stage| stage.stats.events_out),
            batch: (batches > 0).then(|| tenths(ratio(events, batches))),
            skew: tenths(near.skew() * 10.0) / 10.0,
            held: sum(|stage| stage.stats.held),
            retries: sum(|stage| stage.stats.retries),
            left_out: sum(|stage| stage.stats.left_out),
            at_once: stages.iter().filter_map(|stage| stage.stats.at_once).reduce(usize::saturating_add),
            buffered: sum(|stage| stage.stats.buffered),
            demand: sum(|stage| stage.stats.demand),
            discarded: sum(|stage| stage.stats.discarded),
            restarts: sum(|stage| stage.stats.restarts),
            discards: [
                sum(|stage| stage.stats.discards.overflow),
                sum(|stage| stage.stats.discards.unroutable),
                sum(|stage| stage.stats.discards.failed),
                sum(|stage| stage.stats.discards.ended),
            ],
            failures: [
                sum(|stage| stage.stats.failures.retried),
                sum(|stage| stage.stats.failures.skipped),
                sum(|stage| stage.stats.failures.dead_lettered),
                sum(|stage| stage.stats.failures.past_deadline),
                sum(|stage| stage.stats.failures.remade_handlers),
            ],
            gauges: stages.iter().flat_map(|stage| &stage.stats.gauges).map(GaugeTick::new).collect(),
            copies: copies(step),
        }
    }

    /// Returns the events a second that it handles; for a source, hands out.
    pub(super) const fn rate(&self) -> f64 {
        if self.source { self.out } else { self.r#in }
    }
}

impl<'a> GaugeTick<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        let value = match &gauge.value {
            GaugeValue::Count(count) => count.to_string(),
            GaugeValue::Time(time) => format!("{:?}", Duration::from_millis(clipped_millis(*time))),
            GaugeValue::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        Self { name: gauge.name, of: &gauge.of, value }
    }
}

fn clipped_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn copies(step: Sampled<'_, '_>) -> Vec<CopyTick> {
    let copies = step.far.copies.iter().zip(&step.near.copies).zip(step.stages);
    let copies = copies.map(|((far, near), stage)| {
        let [working, waiting, starved, held_up, scheduled] = thousandths(&far.times);
        let (input, output) =
            (per_second(near.events_in, step.elapsed), per_second(near.events_out, step.elapsed));
        let (held, restarts) = (stage.stats.held + stage.stats.buffered, stage.stats.restarts);
        (state(stage), working, waiting, starved, held_up, scheduled, input, output, held, restarts)
    });
    copies.collect()
}

fn state(stage: &StageSnapshot) -> i8 {
    let place = stage.state.and_then(|state| StageState::ALL.iter().position(|other| *other == state));
    place.and_then(|place| i8::try_from(place).ok()).unwrap_or(-1)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is at most 1")]
fn thousandths(times: &StateTimes) -> [u16; 5] {
    StageState::ALL.map(|state| (times.share(state) * 1_000.0).round() as u16)
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn ratio(part: u64, all: u64) -> f64 {
    part as f64 / all as f64
}

/// Returns a rate to a tenth of an event.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn per_second(events: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { tenths(events as f64 / elapsed.as_secs_f64()) }
}

pub(super) fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_are_rounded_for_people() {
        assert_eq!(per_second(1, Duration::from_secs(3)).to_string(), "0.3");
        assert_eq!(per_second(5, Duration::ZERO).to_string(), "0");
        assert_eq!(thousandths(&StateTimes::default()), [0; 5]);
    }
}
