//! Runs stages: takes in the traffic between them, lets pure values decide, and sends the results.
//!
//! ```text
//!            ┌───────────────────────── one stage, one task ─────────────────────────┐
//!  events ═▶ │ LinkRx ─▶ inlet ─▶ handle_events ─▶ emitter ─▶ outlet ─▶ hub ─▶ LinkTx │ ═▶ events
//!  demand ◀═ │        ◀─ credit, emptied buffer          ask ─▶ hub ◀─        LinkTx │ ◀═ demand
//!            └───────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The invariants of the engine:
//!
//! 1. Per subscription, delivered ≤ asked, always.
//! 2. Per subscription, order is FIFO; the end or the loss of a peer arrives behind every event that the peer
//!    sent.
//! 3. Credit is announced once, per subscription, after the batch is handled; batches have at most
//!    `max − min` events.
//! 4. An ask is served from the buffer first; only the remainder reaches `handle_demand`.
//! 5. No send between stages ever waits, so no cycle of stages can deadlock; credit bounds memory.
//! 6. A panic or an error in a callback never crosses into another stage; it becomes an exit reason. After a
//!    panic the stage's state is never used again. Links and buffers live outside of it.
//! 7. Nothing is dropped silently: every discarded event is counted and reported.
//! 8. While a callback waits, the engine still takes in asks, cancels, subscriptions and drain; only further
//!    callbacks wait.

mod attend;
mod behind;
mod body;
mod diagnose;
mod fused;
mod hands;
mod infos;
mod inlet;
mod kind;
mod outlet;
mod port;
mod run;
mod sources;
mod stand_in;
mod timers;

pub(crate) use fused::{fused_source, whole};
pub(crate) use inlet::{Appetite, Gone, Inlet, Received};
pub(crate) use outlet::{Outlet, Rejections};
pub(crate) use port::Port;
pub(crate) use run::{Ready, consumer, producer, producer_consumer};
pub(crate) use sources::{Source, Sources};
pub(crate) use stand_in::finish_for;
