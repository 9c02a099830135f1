//! Workloads: a kind of work, performed by this project and by peers, each in the style of its own users.

use std::{
    error::Error,
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::runtime::Runtime;

/// Performs `size` units of work with one contender; returns the measured time after checking the result.
type Round = Box<dyn Fn(&Runtime, u64) -> Result<Duration, Box<dyn Error>>>;

/// Number of trial rounds, of which the fastest determines the size of a round.
const TRIALS: usize = 3;

/// One kind of work, performed by this project and by every peer.
#[derive(Debug)]
pub struct Workload {
    /// The name, such as `pipe/k3/1000-500`.
    pub name: String,
    /// The unit of the figures.
    pub unit: Unit,
    /// The minimum size of a round.
    pub least: u64,
    /// This project.
    pub us: Contender,
    /// The peers.
    pub peers: Vec<Peer>,
}

/// Another library's way of performing the work.
#[derive(Debug)]
pub struct Peer {
    /// The peer's implementation.
    pub contender: Contender,
    /// The promised minimum ratio (the maximum, where lower is better).
    pub at_least: Option<f64>,
}

/// One way of performing the work.
pub struct Contender {
    /// The name in tables and reports.
    pub name: &'static str,
    round: Round,
}

/// The size of a round, and its duration on an otherwise idle machine.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The size of the round.
    pub size: u64,
    /// The duration of the round.
    pub took: Duration,
}

/// The unit of a figure, which also determines the winner.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Units per second, with its label and the amount that one unit of size counts for.
    Rate(&'static str, f64),
    /// Microseconds; the measured time is the figure.
    Microseconds,
}

/// The winning direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The greater.
    Higher,
    /// The lesser.
    Lower,
}

impl Unit {
    /// Returns the name in tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate(name, _) => name,
            Self::Microseconds => "µs",
        }
    }

    /// Returns the winning direction.
    pub const fn better(self) -> Better {
        match self {
            Self::Rate(..) => Better::Higher,
            Self::Microseconds => Better::Lower,
        }
    }

    /// Returns the figure of a round of `size` that measured `took`.
    pub fn figure(self, size: u64, took: Duration) -> f64 {
        match self {
            Self::Rate(_, each) => as_figure(size) * each / took.as_secs_f64(),
            Self::Microseconds => took.as_secs_f64() * 1e6,
        }
    }
}

impl Contender {
    /// Creates a contender whose rounds are performed by `round`.
    pub fn new(
        name: &'static str,
        round: impl Fn(&Runtime, u64) -> Result<Duration, Box<dyn Error>> + 'static,
    ) -> Self {
        Self { name, round: Box::new(round) }
    }

    /// Performs `size` units of work and returns the measured time.
    ///
    /// # Errors
    ///
    /// If the result is wrong, or there is none.
    pub fn round(&self, runtime: &Runtime, size: u64) -> Result<Duration, Box<dyn Error>> {
        (self.round)(runtime, size).map_err(|error| format!("{}: {error}", self.name).into())
    }

    /// Returns the size at which a round takes about `budget`, at least `least`; a round of that size may
    /// take longer.
    ///
    /// # Errors
    ///
    /// As [`round`](Self::round).
    pub fn fit(&self, runtime: &Runtime, budget: Duration, least: u64) -> Result<Fit, Box<dyn Error>> {
        let mut size = least;
        loop {
            let took = self.fastest(runtime, size, budget)?;
            if size == least && took >= budget {
                return Ok(Fit { size, took });
            }
            let factor = budget.as_secs_f64() / took.as_secs_f64().max(1e-6);
            // A tenth of the budget is long enough for a reliable rate.
            if factor <= 10.0 {
                return Ok(Fit { size: scaled(size, factor).max(least), took: budget });
            }
            size = scaled(size, (factor / 2.0).min(20.0)).max(least);
        }
    }

    /// Returns the duration of an undisturbed round, as a moment of other load would otherwise make all
    /// rounds short. A round that takes far longer than `budget` is not repeated.
    fn fastest(&self, runtime: &Runtime, size: u64, budget: Duration) -> Result<Duration, Box<dyn Error>> {
        let mut fastest = Duration::MAX;
        for _ in 0..TRIALS {
            let began = Instant::now();
            self.round(runtime, size)?;
            fastest = fastest.min(began.elapsed());
            if fastest > 2 * budget {
                break;
            }
        }
        Ok(fastest)
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns a count as a figure. Counts stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
pub const fn as_figure(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled(count: u64, factor: f64) -> u64 {
    (as_figure(count) * factor).max(1.0) as u64
}
