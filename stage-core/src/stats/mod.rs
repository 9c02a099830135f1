//! What each stage did and holds, in numbers that can be read at any time.

mod clock;
mod counters;
mod short;
mod stage_stats;
mod state;
mod state_times;
mod time;
mod timekeeper;

pub(crate) use counters::Counters;
pub(crate) use short::Short;
pub use stage_stats::StageStats;
pub use state::StageState;
pub use state_times::StateTimes;
pub(crate) use timekeeper::Timekeeper;
