//! What a run cost: layer by layer, how much went through, how busy it was, and how evenly.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use stage_core::StageStats;

use crate::chain::Chain;
use crate::error::FlowError;
use crate::flow::Flow;

/// One run of a flow, in numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// How long it took.
    pub elapsed: Duration,
    /// Events that came out.
    pub events: u64,
    /// Its layers, sources first.
    pub layers: Vec<LayerProfile>,
}

/// One layer of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerProfile {
    /// What it did, and its number.
    pub name: String,
    /// What each of its stages did.
    pub stages: Vec<StageStats>,
}

#[allow(clippy::cast_precision_loss, reason = "shares need no more than 52 bits")]
impl LayerProfile {
    /// The layers of these stages.
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

    /// Events its stages have made that nobody asked for yet.
    pub fn buffered(&self) -> u64 {
        self.stages.iter().map(|stage| stage.buffered).sum()
    }

    /// Events of its stages that were lost: what a stage held that failed or was stopped.
    pub fn discarded(&self) -> u64 {
        self.stages.iter().map(|stage| stage.discarded).sum()
    }

    /// Events its stages handled, marks of time included; a source handles none.
    pub fn events_in(&self) -> u64 {
        self.stages.iter().map(|stage| stage.events_in).sum()
    }

    /// Events its stages handed on; where events carry their time, marks of how far it has come are among them.
    pub fn events_out(&self) -> u64 {
        self.stages.iter().map(|stage| stage.events_out).sum()
    }

    /// Batches its stages handled; for a source, demands.
    pub fn batches(&self) -> u64 {
        self.stages.iter().map(|stage| stage.batches).sum()
    }

    /// Which part of `elapsed` a stage was busy, on average.
    pub fn busy(&self, elapsed: Duration) -> f64 {
        let busy: f64 = self.stages.iter().map(|stage| stage.busy.as_secs_f64()).sum();
        let room = elapsed.as_secs_f64() * self.stages.len() as f64;
        if room > 0.0 { busy / room } else { 0.0 }
    }

    /// How uneven the stages were loaded: what the busiest handled, as a multiple of the average. 1 is even.
    pub fn skew(&self) -> f64 {
        let handled = |stage: &StageStats| stage.events_in.max(stage.events_out);
        let most = self.stages.iter().map(handled).max().unwrap_or_default();
        let all: u64 = self.stages.iter().map(handled).sum();
        if all == 0 { 1.0 } else { most as f64 * self.stages.len() as f64 / all as f64 }
    }
}

impl Profile {
    /// The run as a Mermaid flowchart: each layer with its numbers.
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
    /// Runs the flow, drops what comes of it, and says what it cost.
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
    /// As [`collect`](Self::collect).
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
