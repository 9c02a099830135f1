//! The statistics of all pipelines of a board as OpenMetrics text, and as values.

mod families;
mod labels;
mod text;
mod values;
mod view;
mod write;

pub use text::{MetricKind, MetricValue};
pub use values::{MetricFamily, MetricSample};
pub use write::{OPENMETRICS_CONTENT_TYPE, OpenMetrics, openmetrics};
