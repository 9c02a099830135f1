//! Output for a person or a program: progress, a line per failure, and a summary.

mod chart;
mod left;
mod name;
mod progress;
mod stages;
mod summary;
mod table;
mod units;

pub use chart::{bar, share};
pub use left::{estimate, time_left};
pub use name::{is_unsafe, path_hex, shown, shown_json, shown_lines, shown_text};
pub use progress::{Failed, Progress, tell};
pub use stages::StageRow;
pub use summary::Summary;
pub use table::{Align, Columns, Table};
pub use units::{bytes, count, duration, rate, timestamp};
