//! The statistics of all pipelines of a board as OpenMetrics text.

mod families;
mod text;
mod view;
mod write;

pub use write::{OPENMETRICS_CONTENT_TYPE, OpenMetrics, openmetrics};
