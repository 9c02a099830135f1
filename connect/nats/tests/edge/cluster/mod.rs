//! Worker processes that share the partitions of an edge, while they and the server are killed, stopped and replaced.
//!
//! A worker appends each event that it handles to a file; a judge reads the file. The sizes are those of a quick run:
//! `EDGE_EVENTS`, `EDGE_KEYS`, `EDGE_KILLS`, `EDGE_STOPS`, `EDGE_WORKERS` and `EDGE_PARTITIONS` raise them.

mod crew;
mod feed;
mod flows;
mod judge;
mod log;
mod network;
mod networks;
mod once;
mod outages;
mod pipeline;
mod pipelines;
mod replicas;
mod scene;
mod worker;
mod workers;

use std::time::Duration;

use stage_edge::EdgeSpec;

/// The events of one frame.
const FRAME: u32 = 20;

/// The size of a run.
#[derive(Clone, Copy, Debug)]
struct Scale {
    events: u32,
    keys: u32,
    kills: u32,
    stops: u32,
    workers: usize,
    partitions: u32,
}

impl Scale {
    fn from_environment() -> Self {
        let number = |name: &str, default: u32| -> u32 {
            std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
        };
        Self {
            events: number("EDGE_EVENTS", 20_000),
            keys: number("EDGE_KEYS", 40),
            kills: number("EDGE_KILLS", 2),
            stops: number("EDGE_STOPS", 1),
            workers: number("EDGE_WORKERS", 2) as usize,
            partitions: number("EDGE_PARTITIONS", 4),
        }
    }

    /// A pipeline handles one event after the other.
    fn quarter(self) -> Self {
        Self { events: self.events / 4, ..self }
    }

    /// The number of members that pass by.
    fn visits(self) -> u32 {
        10 * self.kills
    }

    fn spec(self, lease: Duration) -> EdgeSpec {
        EdgeSpec::new("shop", "orders").partitions(self.partitions).lease(lease).setup(true)
    }
}

/// The time in which a run makes progress, or has failed.
const SILENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
