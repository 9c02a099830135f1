//! Killed clients and killed servers, for connectors whose clients and server run as processes of the test.

mod crash;
mod log;
mod report;
mod run;

pub use log::Worker;
pub use report::{Repetition, Report};
pub use run::{client_of_test, every_message_is_handled_through_crashes};
