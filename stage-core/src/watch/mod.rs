//! Snapshots of running pipelines, and the analysis of which step limits a pipeline.
//!
//! ```text
//!   Monitor ── snapshot() ──▶ Snapshot ── since(&earlier) ──▶ Activity ── verdict() ──▶ Verdict
//!              reads atomics             between two of them              which step, why, what helps
//! ```
//!
//! A [`Board`] lists pipelines, for pages and exporters that show all of them; a [`Group`] makes a pipeline
//! of stages that were spawned by hand. [`Steering`] pauses a pipeline, changes its windows and rates, and ends
//! it.
//!
//! Reading costs the pipeline nothing: each number is an atomic that its stage writes anyway. Everything
//! except [`Monitor::snapshot`](crate::pipeline::Monitor::snapshot) is a function of plain values.
//!
//! ```
//! use std::time::Duration;
//! use stage_core::{Pipeline, StepOptions, sink};
//! use tokio::time::sleep;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("upload")
//!     .start_fn("files", || Ok(0..1_000_000_u64))
//!     .step_fn("compress", |file| file / 2)
//!     .finish(StepOptions::named("store").count(4), || {
//!         Ok(sink::for_each_async(|_file: u64| async {
//!             sleep(Duration::from_millis(20)).await;
//!             Ok(())
//!         }))
//!     })
//!     .start()
//!     .await?;
//! let monitor = running.monitor();
//! let before = monitor.snapshot();
//! sleep(Duration::from_secs(1)).await;
//! let verdict = monitor.snapshot().since(&before).verdict();
//! assert_eq!(verdict.step(), Some("store"));
//! println!("{verdict}");
//! # running.stop().await?;
//! # Ok(())
//! # }
//! ```

mod activity;
mod board;
mod copies;
mod course;
mod group;
mod hand_made;
mod judge;
mod link_activity;
mod lint;
mod lints;
mod metrics;
mod observe;
mod queues;
mod snapshot;
mod status;
mod steering;
mod steering_error;
mod step_activity;
mod verdict;

pub use activity::Activity;
pub use board::{Board, Entry, NameTaken, Watched};
pub use course::{Assessment, Course, Persistence, Trend};
pub use group::{Group, GroupBuilder};
pub use link_activity::LinkActivity;
pub use lint::Lint;
pub use metrics::{
    MetricFamily, MetricKind, MetricSample, MetricValue, OPENMETRICS_CONTENT_TYPE, OpenMetrics, openmetrics,
};
pub use queues::JobCounts;
pub use snapshot::{LinkSnapshot, Snapshot, StageSnapshot};
pub use status::{Status, StepStatus};

pub use crate::wire::operator::InProgress;
pub use steering::Steering;
pub use steering_error::SteeringError;
pub use step_activity::{CopyActivity, StepActivity};
pub use verdict::{Bottleneck, Cause, Verdict};

pub use crate::base::stats::EventTime;
pub use crate::supervise::{Ending, Exit, PipelineState, Restarts};
