//! The numbers of all pipelines of a [`Board`](stage_core::watch::Board) for the [`metrics`] facade, and so for
//! the exporter that a program has installed, such as one for `StatsD` or Prometheus.
//!
//! ```text
//!   Board ── OpenMetrics::families() ──▶ samples ── publish() ──▶ metrics::Recorder ──▶ exporter
//! ```
//!
//! The bridge pulls: the pipelines do not know of it, and pay nothing. Names and labels are those of
//! [`openmetrics`](stage_core::watch::openmetrics), such as `stage_events_in_total{pipeline="upload",step="store"}`,
//! so a board made for one works with the other. Counts are counters with absolute values. The facade's counters
//! are whole numbers, so counts of seconds are gauges, which only grow.
//!
//! ```
//! use std::time::Duration;
//! use stage_core::Pipeline;
//! use stage_core::watch::Board;
//! use stage_metrics::MetricsBridge;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("upload")
//!     .start_fn("files", || Ok(0..100_u64))
//!     .finish_fn("store", |_| ())
//!     .start()
//!     .await?;
//! let board = Board::new();
//! board.add("upload", &running)?;
//! let bridge = MetricsBridge::spawn(board, Duration::from_secs(10));
//! # tokio::time::sleep(Duration::from_secs(30)).await;
//! drop(bridge);
//! # running.join().await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bridge;
mod publish;

pub use bridge::MetricsBridge;
pub use publish::publish;
