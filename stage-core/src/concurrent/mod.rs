//! Steps that handle several events at once: a handler waits for a service while others do, too.
//!
//! ```text
//!               ┌ handler 1 ─ … waits … ─┐
//!  events ══▶ in│ handler 2 ─ … waits … ─│▶ results, in order or as they complete ══▶
//!               └ handler n ─ … waits … ─┘
//! ```
//!
//! Each event runs in a task of its own, with a handler of its own that the recipe made; a handler is used again for
//! the next event. So the events of a batch, and of later batches, are in progress together.
//!
//! 1. At most `at_once` events are in progress; the stage holds at most `max_demand` events. An adaptive `at_once` follows
//!    the target (`limit.rs`), and the window follows it.
//! 2. With [`Order::Kept`](crate::policy::Order), results leave in the order of their events (`reorder.rs`).
//! 3. An event is asked for again only when its result has left, so a slow consumer holds the producer back.
//! 4. A failed event waits for its next attempt outside of its handler (`due.rs`); with a step that is fed by key, the later events
//!    of its key wait, too. A bulkhead bounds the events of a key in progress (`gates.rs`).
//! 5. A step of one handler whose policy retries is such a stage, too: it handles its events within its callbacks.
//! 6. After a failure that restarts the step, the events that it holds are handled first.

#[cfg(test)]
mod adaptive_tests;
mod adjustable;
mod control;
mod declare;
mod due;
mod each;
mod gates;
mod job;
mod limit;
mod lines;
mod pool;
mod reorder;
mod rules;
mod stages;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;
