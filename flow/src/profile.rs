//! The profile of a run: the throughput, load and skew of each layer.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use stage_core::stats::StageStats;

use crate::chain::Chain;
use crate::error::FlowError;
use crate::flow::Flow;

/// The statistics of one run of a flow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The duration of the run.
    pub elapsed: Duration,
    /// The number of events emitted by the flow.
    pub events: u64,
    /// The layers of the flow, sources first.
    pub layers: Vec<LayerProfile>,
}

/// One layer of a run.
///
/// ```
/// use flow::{Flow, LayerProfile};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let squares = Flow::from_items(1..=100_u64).stages(2).map(|number| number * number);
/// let report = squares.start().await?.join().await?;
/// let profile = &report.profile;
/// assert!(profile.to_mermaid().starts_with("flowchart LR"));
/// let last: &LayerProfile = profile.layers.last().ok_or(flow::FlowError::Stopped)?;
/// assert_eq!((last.events_in(), last.discarded(), last.buffered()), (100, 0, 0));
/// assert!(last.batches() >= 1 && last.events_out() <= 100);
/// assert!(last.skew() >= 1.0 && last.busy(profile.elapsed) >= 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerProfile {
    /// The steps and the number of the layer.
    pub name: String,
    /// The statistics of each stage of the layer.
    pub stages: Vec<StageStats>,
}

#[allow(clippy::cast_precision_loss, reason = "shares need no more than 52 bits")]
impl LayerProfile {
    /// Groups these stages by layer.
    pub(crate) fn of(stages: Vec<StageStats>) -> Vec<Self> {
        let mut layers: Vec<Self> = Vec::new();
        for stats in stages {
            let name = stats.step.rsplit_once('/').map_or(stats.step.as_str(), |(layer, _)| layer).to_owned();
            match layers.last_mut().filter(|layer| layer.name == name) {
                Some(layer) => layer.stages.push(stats),
                None => layers.push(Self { name, stages: vec![stats] }),
            }
        }
        layers
    }

    /// Returns the number of events that the stages have emitted without demand for them yet.
    pub fn buffered(&self) -> u64 {
        self.stages.iter().map(|stage| stage.buffered).sum()
    }

    /// Returns the number of events that the stages lost: those held by a stage that failed or was stopped.
    pub fn discarded(&self) -> u64 {
        self.stages.iter().map(|stage| stage.discarded).sum()
    }

    /// Returns the number of events that the stages handled; a source handles none.
    pub fn events_in(&self) -> u64 {
        self.stages.iter().map(|stage| stage.events_in).sum()
    }

    /// Returns the number of events that the stages emitted.
    pub fn events_out(&self) -> u64 {
        self.stages.iter().map(|stage| stage.events_out).sum()
    }

    /// Returns the number of batches that the stages handled; for a source, the number of asks.
    pub fn batches(&self) -> u64 {
        self.stages.iter().map(|stage| stage.batches).sum()
    }

    /// Returns the fraction of `elapsed` that a stage was busy, on average.
    pub fn busy(&self, elapsed: Duration) -> f64 {
        let busy: f64 = self.stages.iter().map(|stage| stage.busy.as_secs_f64()).sum();
        let room = elapsed.as_secs_f64() * self.stages.len() as f64;
        if room > 0.0 { busy / room } else { 0.0 }
    }

    /// Returns the skew of the load: the events handled by the busiest stage, as a multiple of the average. 1
    /// is even.
    pub fn skew(&self) -> f64 {
        let handled = |stage: &StageStats| stage.events_in.max(stage.events_out);
        let most = self.stages.iter().map(handled).max().unwrap_or_default();
        let all: u64 = self.stages.iter().map(handled).sum();
        if all == 0 { 1.0 } else { most as f64 * self.stages.len() as f64 / all as f64 }
    }
}

impl Profile {
    /// Returns the run as a Mermaid flowchart: each layer with its numbers.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (number, layer) in self.layers.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "    l{number}[\"{} × {}<br/>{} in, {} out<br/>{:.0} % busy\"]",
                layer.name,
                layer.stages.len(),
                layer.events_in(),
                layer.events_out(),
                layer.busy(self.elapsed) * 100.0
            );
            if number > 0 {
                let _ = writeln!(text, "    l{} --> l{number}", number - 1);
            }
        }
        text
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events in {:.3} s", self.events, self.elapsed.as_secs_f64())?;
        writeln!(
            f,
            "{:<28} {:>6} {:>12} {:>12} {:>9} {:>6} {:>5}",
            "layer", "stages", "in", "out", "batches", "busy", "skew"
        )?;
        for layer in &self.layers {
            writeln!(
                f,
                "{:<28} {:>6} {:>12} {:>12} {:>9} {:>5.0}% {:>5.2}",
                layer.name,
                layer.stages.len(),
                layer.events_in(),
                layer.events_out(),
                layer.batches(),
                layer.busy(self.elapsed) * 100.0,
                layer.skew()
            )?;
        }
        Ok(())
    }
}

impl<C: Chain> Flow<C> {
    /// Runs the flow, drops its results, and returns the profile of the run.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let profile = Flow::from_items(0..1000_u64)
    ///     .filter(|number| number % 2 == 0)
    ///     .stages(2)
    ///     .partition(|number| *number)
    ///     .stages(2)
    ///     .map(|number| number + 1)
    ///     .profile()
    ///     .await?;
    /// println!("{profile}");
    /// assert_eq!(profile.layers[2].events_in(), 500);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn profile(&self) -> Result<Profile, FlowError> {
        let began = Instant::now();
        let mut events = self.stream().await?;
        let mut count = 0;
        while let Some(event) = events.next().await {
            event?;
            count += 1;
        }
        let elapsed = began.elapsed();
        Ok(Profile { elapsed, events: count, layers: LayerProfile::of(events.stats()) })
    }
}
