//! The laws that every connector keeps, as tests against a real server.
//!
//! A connector implements [`LawServer`] in its tests, and declares them with [`laws!`](crate::laws!): one test for each
//! law. The functions of this module are the laws; each panics with a message that names the violation.
//!
//! The laws of a connector for `queued`, a server with a process of its own, are one file of its tests. They need that
//! server:
//!
//! ```no_run
//! use std::ops::Range;
//! use std::process::Command;
//!
//! use stage_connect::laws::{Counts, LawServer, Process, free_port, installed};
//! # use stage_connect::memory::{MemoryQueue, MemoryServer};
//! # type QueuedPull = MemoryQueue<u64>;
//! # fn connector(_: u16) -> QueuedPull { unimplemented!() }
//! # fn other_client(_: u16) -> MemoryServer<u64> { unimplemented!() }
//!
//! struct Queued {
//!     process: Process,
//!     port: u16,
//! }
//!
//! impl LawServer for Queued {
//!     type Pull = QueuedPull;
//!
//!     async fn start() -> Option<Self> {
//!         let program = installed("queued")?; // Prints `skipped: queued is not installed`.
//!         let port = free_port();
//!         let mut command = Command::new(program);
//!         command.args(["--port", &port.to_string()]);
//!         // Here it waits until the server answers, and creates the queue.
//!         Some(Self { process: Process::start(command), port })
//!     }
//!
//!     fn clients(&self) -> impl Fn() -> QueuedPull + Send + 'static {
//!         let port = self.port;
//!         move || connector(port)
//!     }
//!
//!     fn number(message: &u64) -> u64 {
//!         *message
//!     }
//!
//!     async fn publish(&mut self, numbers: Range<u64>) {
//!         other_client(self.port).publish(numbers);
//!     }
//!
//!     async fn counts(&mut self) -> Counts {
//!         other_client(self.port).counts()
//!     }
//!
//!     async fn break_connections(&mut self) {
//!         other_client(self.port).break_connections();
//!     }
//!
//!     async fn stop(&mut self) {
//!         self.process.kill();
//!     }
//!
//!     async fn restart(&mut self) {
//!         self.process.restart();
//!     }
//! }
//!
//! # mod tests { use super::Queued;
//! stage_connect::laws!(Queued);
//! # }
//! # fn main() {}
//! ```
//!
//! The macro makes a test of each law. One that needs other attributes is a test by hand:
//!
//! ```no_run
//! use stage_connect::laws::*;
//! use stage_connect::memory::MemoryServer;
//!
//! type Server = MemoryServer<u64>;
//!
//! run(every_message_is_handled_and_leaves_the_server::<Server>);
//! run(messages_of_a_lost_client_come_back::<Server>);
//! run(a_dropped_pull_loses_nothing::<Server>);
//! run(no_more_is_pulled_than_was_asked_for::<Server>);
//! run(a_slow_sink_holds_up_the_server::<Server>);
//! run(a_drain_ends_a_long_poll::<Server>);
//! run(a_long_pause_keeps_its_leases::<Server>);
//! run(a_failed_message_comes_back::<Server>);
//! run(a_poisoned_message_is_set_aside::<Server>);
//! run(a_stopped_message_is_not_counted::<Server>);
//! run(a_server_that_goes_away_is_awaited::<Server>);
//! run(broken_connections_lose_nothing::<Server>);
//! ```

mod bench;
mod beside;
pub mod by_hand;
mod certificate;
pub mod crashes;
mod declare;
mod delivery;
mod demand;
mod failures;
mod find;
mod outages;
mod process;
mod scale;
mod server;

pub use beside::{Outcome, beside, numbers};
pub use certificate::{Authority, Certificate};
pub use delivery::{
    a_dropped_pull_loses_nothing, every_message_is_handled_and_leaves_the_server,
    messages_of_a_lost_client_come_back,
};
pub use demand::{
    a_drain_ends_a_long_poll, a_long_pause_keeps_its_leases, a_slow_sink_holds_up_the_server,
    no_more_is_pulled_than_was_asked_for,
};
pub use failures::{
    a_failed_message_comes_back, a_poisoned_message_is_set_aside, a_stopped_message_is_not_counted,
};
pub use find::{free_port, installed};
pub use outages::{a_server_that_goes_away_is_awaited, broken_connections_lose_nothing};
pub use process::Process;
pub use scale::Scale;
pub use server::{Clock, Counts, LawServer, run};
