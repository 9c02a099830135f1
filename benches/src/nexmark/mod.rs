//! Nexmark, the benchmark of stream processing: persons, their auctions and the bids for them, and the queries 0 to
//! 8, 11, 12, 13 and 18.
//!
//! | query | result | state |
//! |---|---|---|
//! | q0 | all events, unchanged | none |
//! | q1 | all bids, in euros | none |
//! | q2 | the bids for every 123rd auction | none |
//! | q3 | the sellers of three states and their auctions of one category | a join, of everything |
//! | q4 | the average winning bid of each category | an auction until it expires |
//! | q5 | the auctions with the most bids, in windows of 10 s every 2 s | the windows that are open |
//! | q6 | the average of the last ten winning bids of each seller | an auction until it expires; ten bids for each seller |
//! | q7 | the highest bids of each 10 s | the windows that are open |
//! | q8 | the persons who opened an auction within the 10 s in which they came | a join within a window |
//! | q11 | the bids of each bidder, in sessions that end after 10 s | the sessions that are open |
//! | q12 | the bids of each bidder in each 10 s of the wall clock | the window that is open |
//! | q13 | all bids, each with a row of a table | the table |
//! | q18 | the last bid of each bidder for each auction | one bid for each pair |
//!
//! The events are those of the published generator, with two differences that are the same for all contenders:
//! they have no padding (the field `extra`, which no query reads), and persons and auctions are behind an `Arc`, so
//! that an event has 40 bytes and a copy of it allocates nothing.

mod answer;
mod contenders;
mod generator;
mod hand;
mod model;
pub mod queries;
pub mod reference;
#[cfg(feature = "renoir")]
mod renoir;
mod state;
#[cfg(feature = "peers")]
mod timely;
mod workers;

pub use answer::Answer;
pub use contenders::{Query, workloads};
pub use generator::Generator;
pub use model::{Auction, Bid, Event, Person};
