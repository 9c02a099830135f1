//! The activity of a pipeline, as JSON.

use std::collections::HashMap;

use serde::Serialize;
use stage_core::watch::{Activity, Assessment, EventTime, LinkActivity, Snapshot, StageSnapshot, Status};

use super::description::Summary;
use super::step::{Sampled, StepTick, per_second, tenths};
use super::verdict::{VerdictView, sentence};

/// The activity of a pipeline, as of one sample.
#[derive(Debug, Serialize)]
pub(crate) struct Tick<'a> {
    /// Seconds since the start of the pipeline, or from its start to its end.
    at: f64,
    state: String,
    verdict: VerdictView,
    steps: Vec<StepTick<'a>>,
    links: Vec<LinkTick<'a>>,
    exits: Vec<ExitTick<'a>>,
    deliveries: Option<Deliveries>,
    watermarks: Vec<Watermark>,
    /// Unfavourable structures and options.
    hints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LinkTick<'a> {
    from: &'a str,
    to: &'a str,
    /// Events a second.
    rate: f64,
    in_flight: f64,
    room: u64,
    /// From 0 to 1.
    fill: f64,
    /// The time that an event is in flight, in seconds.
    wait: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ExitTick<'a> {
    stage: &'a str,
    reason: String,
    /// Seconds since the start of the pipeline.
    at: f64,
}

#[derive(Debug, Serialize)]
struct Deliveries {
    delivered: u64,
    acknowledged: u64,
    rejected: u64,
    untold: u64,
    open: u64,
    /// Seconds.
    oldest: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Watermark {
    partition: String,
    /// Milliseconds since the origin of the flow's time.
    at: Option<i64>,
    /// Seconds.
    lag: Option<f64>,
    late: u64,
}

/// The last sample, and the activities that end with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) last: &'a Snapshot,
    pub(crate) status: &'a Status,
    /// The activity by which states are shown.
    pub(crate) far: &'a Activity,
    /// The activity by which rates and queues are shown.
    pub(crate) near: &'a Activity,
    pub(crate) assessment: Option<&'a Assessment>,
}

impl<'a> Tick<'a> {
    pub(crate) fn new(sample: Sample<'a>) -> Self {
        let Sample { last, status, near, assessment, .. } = sample;
        let settlement = status.settlement.as_ref();
        let exits = last.exits.iter().map(|exit| ExitTick {
            stage: &exit.stage,
            reason: exit.reason.to_string(),
            at: exit.at.as_secs_f64(),
        });
        Self {
            at: status.uptime.as_secs_f64(),
            state: status.state.to_string(),
            verdict: VerdictView::of(assessment),
            steps: steps(sample),
            links: near.links.iter().map(|link| LinkTick::new(link, near)).collect(),
            exits: exits.collect(),
            deliveries: settlement.map(|settlement| Deliveries {
                delivered: settlement.delivered,
                acknowledged: settlement.acknowledged,
                rejected: settlement.rejected,
                untold: settlement.untold,
                open: settlement.open(),
                oldest: status.oldest_open.map(|age| age.as_secs_f64()),
            }),
            watermarks: status.event_times.iter().map(Watermark::of).collect(),
            hints: assessment.map_or_else(Vec::new, |found| {
                found.lints.iter().map(|l| sentence(&l.to_string())).collect()
            }),
        }
    }

    /// Returns the rate of each step.
    pub(crate) fn rates(&self) -> impl Iterator<Item = (&str, f64)> {
        self.steps.iter().map(|step| (step.name, step.rate()))
    }

    pub(crate) fn summary(&self) -> Summary {
        let sources = self.steps.iter().filter(|step| step.source);
        Summary { rate: sources.map(StepTick::rate).sum(), verdict: self.verdict.text.clone() }
    }
}

fn steps(sample: Sample<'_>) -> Vec<StepTick<'_>> {
    let mut stages: HashMap<&str, Vec<&StageSnapshot>> = HashMap::new();
    for stage in &sample.last.stages {
        stages.entry(&stage.stats.step).or_default().push(stage);
    }
    // Both activities end with the same snapshot, so they have the same steps in the same order.
    let steps = sample.far.steps.iter().zip(&sample.near.steps);
    let steps = steps.map(|(far, near)| {
        let stages = stages.get(&*far.step).map(Vec::as_slice).unwrap_or_default();
        let paused = sample.status.steps.iter().any(|status| status.step == far.step && status.paused);
        StepTick::new(Sampled { stages, far, near, elapsed: sample.near.elapsed }, paused)
    });
    steps.collect()
}

impl<'a> LinkTick<'a> {
    fn new(link: &'a LinkActivity, activity: &Activity) -> Self {
        Self {
            from: &link.from,
            to: &link.to,
            rate: per_second(link.handled, activity.elapsed),
            in_flight: tenths(link.in_flight),
            room: link.room,
            fill: tenths(link.fill() * 100.0) / 100.0,
            wait: link.wait(activity.elapsed).map(|wait| wait.as_secs_f64()),
        }
    }
}

impl Watermark {
    fn of(time: &EventTime) -> Self {
        Self {
            partition: format!("{}/{}", time.step, time.partition),
            at: time.watermark,
            lag: time.lag.map(|lag| lag.as_secs_f64()),
            late: time.late,
        }
    }
}
