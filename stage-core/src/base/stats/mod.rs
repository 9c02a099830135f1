//! Statistics of each stage, readable at any time.

mod clock;
mod counters;
mod event_time;
mod gauges;
mod histograms;
mod link_counters;
mod link_numbers;
mod link_waits;
mod outcomes;
mod short;
mod stage_stats;
mod state;
mod state_times;
mod time;
mod timekeeper;

pub(crate) use counters::Counters;
pub use event_time::EventTime;
pub(crate) use event_time::EventTimes;
pub use gauges::{Gauge, GaugeValue, Gauges};
pub(crate) use histograms::StageHistograms;
pub(crate) use link_counters::{LinkCounters, Sharing};
pub(crate) use link_numbers::{LinkNumbers, NumbersByName};
pub(crate) use outcomes::Discard;
pub use outcomes::{Discards, EventFailures};
pub(crate) use short::Short;
pub use stage_stats::StageStats;
pub use state::StageState;
pub use state_times::StateTimes;
pub(crate) use time::{begin_queue_run, end_queue_run};
pub(crate) use timekeeper::Timekeeper;
