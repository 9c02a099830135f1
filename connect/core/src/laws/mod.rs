//! The laws that every connector keeps, as tests against a real server.
//!
//! A connector implements [`LawServer`] in its tests, and declares them with [`laws!`](crate::laws!): one test for each
//! law. The functions of this module are the laws; each panics with a message that names the violation.

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
