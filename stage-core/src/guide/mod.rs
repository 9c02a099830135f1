//! The guide: eight short chapters for a reader who knows tokio.
//!
//! | chapter | subject |
//! |---|---|
//! | [demand] | asks, windows and batches, with a worked example |
//! | [entrances] | `pipeline!`, the builder, `spawn` or `flow`; when not to add a stage |
//! | [windows] | the window of a subscription, the size of a batch, and their cost |
//! | [copies] | parallel copies of a step, and how their number changes |
//! | [failure] | restarts, failure policies, drains, and the events that are lost |
//! | [`at_least_once`] | deliveries, acknowledgement and redelivery |
//! | [`by_hand`] | stages and subscriptions without a pipeline |
//! | `testing` | tests without sleeps (with the feature `test-util`) |
//!
//! The terms:
//!
//! | term | meaning |
//! |---|---|
//! | event, batch | one item; the items that cross a link at once |
//! | demand, ask | credit that a consumer has given; the act of giving it |
//! | window | `min_demand..max_demand` of a subscription |
//! | subscription, link | the relation between two stages; its channel |
//! | dispatcher, buffer | decides which subscriber gets an event; holds events that have no demand |
//! | stage, step, copy | a task; a named stage of a pipeline; one of the parallel instances of a step |
//! | source, sink | a ready-made producer; a ready-made consumer |
//! | recipe | the function that builds a stage, once for each copy and again at each restart |
//! | delivery, acknowledge, reject | an event with its token; the two verdicts on it |
//! | retry, dead letter | handling an event again; an event that is set aside with its error |
//! | drain, stop, pause | finish the events in flight, then end; end now; hold demand back at the sources |

#[doc = include_str!("at_least_once.md")]
pub mod at_least_once {}
#[doc = include_str!("by_hand.md")]
pub mod by_hand {}
#[doc = include_str!("copies.md")]
pub mod copies {}
#[doc = include_str!("demand.md")]
pub mod demand {}
#[doc = include_str!("entrances.md")]
pub mod entrances {}
#[doc = include_str!("failure.md")]
pub mod failure {}
#[cfg(feature = "test-util")]
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("windows.md")]
pub mod windows {}
