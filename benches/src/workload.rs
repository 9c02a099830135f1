//! What is compared? A kind of work, done by us and by peers, each in the way its own users would.

use std::{
    error::Error,
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::runtime::Runtime;

/// How one contender does `size` units of work; it says what it measured, having checked its result.
type Round = Box<dyn Fn(&Runtime, u64) -> Result<Duration, Box<dyn Error>>>;

/// Rounds of which the fastest tells how large a round is to be.
const TRIALS: usize = 3;

/// One kind of work, done by us and by every peer.
#[derive(Debug)]
pub struct Workload {
    /// What it is called, as `pipe/k3/1000-500`.
    pub name: String,
    /// What the contenders' figures are.
    pub unit: Unit,
    /// The least size of a round.
    pub least: u64,
    /// Who we are.
    pub us: Contender,
    /// Those we are compared with.
    pub peers: Vec<Peer>,
}

/// Someone else's way of doing the work.
#[derive(Debug)]
pub struct Peer {
    /// How it does it.
    pub contender: Contender,
    /// The least ratio we promise (the greatest, where lower is better).
    pub at_least: Option<f64>,
}

/// One way of doing the work.
pub struct Contender {
    /// The name in tables and reports.
    pub name: &'static str,
    round: Round,
}

/// How large a round is, and how long that takes when nothing else disturbs it.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The size of the round.
    pub size: u64,
    /// How long it takes.
    pub took: Duration,
}

/// What a figure is, and which of two wins.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// So many a second, as it is called, with what one unit of size counts for.
    Rate(&'static str, f64),
    /// Microseconds; what a round measured is what is shown.
    Microseconds,
}

/// Which figure wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The greater.
    Higher,
    /// The lesser.
    Lower,
}

impl Unit {
    /// The name in tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate(name, _) => name,
            Self::Microseconds => "µs",
        }
    }

    /// Which figure wins.
    pub const fn better(self) -> Better {
        match self {
            Self::Rate(..) => Better::Higher,
            Self::Microseconds => Better::Lower,
        }
    }

    /// The figure of a round of `size` that measured `took`.
    pub fn figure(self, size: u64, took: Duration) -> f64 {
        match self {
            Self::Rate(_, each) => as_figure(size) * each / took.as_secs_f64(),
            Self::Microseconds => took.as_secs_f64() * 1e6,
        }
    }
}

impl Contender {
    /// A contender whose rounds are done by `round`.
    pub fn new(
        name: &'static str,
        round: impl Fn(&Runtime, u64) -> Result<Duration, Box<dyn Error>> + 'static,
    ) -> Self {
        Self { name, round: Box::new(round) }
    }

    /// Does `size` units of work; what was measured.
    ///
    /// # Errors
    ///
    /// When the result is wrong, or there is none.
    pub fn round(&self, runtime: &Runtime, size: u64) -> Result<Duration, Box<dyn Error>> {
        (self.round)(runtime, size).map_err(|error| format!("{}: {error}", self.name).into())
    }

    /// With how much work a round takes about `budget`, at least `least`; a round of the least size may take longer.
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
            // A tenth of the budget is long enough to trust the rate.
            if factor <= 10.0 {
                return Ok(Fit { size: scaled(size, factor).max(least), took: budget });
            }
            size = scaled(size, (factor / 2.0).min(20.0)).max(least);
        }
    }

    /// How long a round takes when nothing else disturbs it: a machine that is busy for a moment would else
    /// make all rounds short. One that takes far longer than `budget` is not tried again.
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

/// Counts stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
pub(crate) const fn as_figure(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled(count: u64, factor: f64) -> u64 {
    (as_figure(count) * factor).max(1.0) as u64
}
