//! Killed clients and killed servers, for connectors whose clients and server run as processes of the test.
//!
//! The law takes two tests of one file: the client that is killed, and the law itself. They need the server:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use stage_connect::laws::crashes::{
//!     Repetition, Report, Worker, client_of_test, every_message_is_handled_through_crashes,
//! };
//! use stage_connect::laws::{Process, Scale};
//! # async fn consume(_: &str, _: impl FnMut(u32)) {}
//!
//! /// Does nothing unless the law starts it. `consume` runs a pipeline.
//! // #[tokio::test]
//! async fn worker() {
//!     let Some(worker) = Worker::from_env() else { return };
//!     let url = std::env::var("WORKER_URL").expect("the other test sets it");
//!     consume(&url, move |number| worker.handled(number)).await;
//! }
//!
//! /// The messages are in the queue.
//! // #[tokio::test]
//! async fn every_message_is_handled(mut server: Process, url: &str, log: &Path) {
//!     let client = || {
//!         let mut command = client_of_test("worker");
//!         command.env("WORKER_URL", url);
//!         command
//!     };
//!     let kill_and_restart = async || {
//!         server.kill();
//!         server.restart();
//!     };
//!     let scale = Scale::from_env();
//!     let report: Report = every_message_is_handled_through_crashes(scale, log, client, kill_and_restart).await;
//!     for Repetition { message, before, again } in &report.unexplained {
//!         println!("message {message}: client {}, then client {}", before.0, again.0);
//!     }
//!     report.expect_explained(1_000, 0);
//! }
//! ```

mod crash;
mod log;
mod report;
mod run;

pub use log::Worker;
pub use report::{Repetition, Report};
pub use run::{client_of_test, every_message_is_handled_through_crashes};
