//! The activity of a pipeline, as the panel sends it.

use serde::Deserialize;

/// The activity of a pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Tick {
    /// Seconds since the start of the pipeline.
    pub at: f64,
    /// The state of the pipeline.
    pub state: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The steps, in the order of the pipeline.
    pub steps: Vec<Step>,
    /// The links between steps.
    pub links: Vec<Link>,
}

/// The verdict on a pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The sentence.
    pub text: String,
    /// The steps that limit the pipeline.
    pub steps: Vec<String>,
    /// The time for which they have limited it, in seconds.
    pub since: f64,
}

/// The activity of a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether its events come from outside the pipeline.
    pub source: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// The condition outside the pipeline that a copy waits for.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// Thousandths of the time in each of the five states.
    pub times: [u16; 5],
    /// Events handled per second.
    pub r#in: f64,
    /// Events handed out per second.
    pub out: f64,
    /// The mean number of events of a batch.
    pub batch: Option<f64>,
    /// The events that its copies may handle at once now, if that is more than one each.
    #[serde(default)]
    pub at_once: Option<usize>,
    /// Events that wait for their next attempt.
    #[serde(default)]
    pub retries: u64,
    /// Events discarded.
    pub discarded: u64,
    /// Restarts.
    pub restarts: u64,
    /// Its copies.
    pub copies: Vec<Copied>,
}

impl Step {
    /// Returns the number of copies that run; if none does, that of all.
    pub(crate) fn running(&self) -> usize {
        match self.copies.iter().filter(|copy| copy.0 >= 0).count() {
            0 => self.copies.len(),
            running => running,
        }
    }
}

/// State or -1, thousandths of the time in the five states, events per second in and out, events held, restarts.
pub type Copied = (i8, u16, u16, u16, u16, u16, f64, f64, u64, u64);

/// The activity of a link.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// The step that takes.
    pub to: String,
    /// Events in flight.
    pub in_flight: f64,
    /// The maximum of events in flight.
    pub room: u64,
    /// The time that an event is in flight, in seconds.
    pub wait: Option<f64>,
}

/// The windows of a pipeline's steps.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Windows {
    /// The steps, in the order of the pipeline.
    pub steps: Vec<StepWindow>,
}

/// The window of a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct StepWindow {
    /// The name of the step.
    pub name: String,
    /// The number of lanes that it runs in.
    #[serde(default = "one")]
    pub lanes: usize,
    /// The outstanding demand at or below which it asks again.
    pub min_demand: usize,
    /// The maximum outstanding demand.
    pub max_demand: usize,
}

const fn one() -> usize {
    1
}
