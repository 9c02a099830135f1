//! Runs stages: takes in the traffic between them, lets pure values decide, and sends the results.
//!
//! ```text
//!            ┌─────────────────────────── one stage, one task ──────────────────────────┐
//!  events ═▶ │ LinkRx ─▶ inlet ─▶ handle_events ─▶ emitter ─▶ outlet ─▶ supply ─▶ LinkTx │ ═▶ events
//!  demand ◀═ │        ◀─ credit, emptied buffer          ask ─▶ supply ◀─        LinkTx │ ◀═ demand
//!            └──────────────────────────────────────────────────────────────────────────┘
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

mod assemble;
mod attend;
mod deferred_messages;
mod diagnose;
mod fused;
mod hook;
mod inlet;
mod io;
mod kind;
mod life;
mod log;
mod measure;
mod no_input;
mod no_output;
mod outlet;
mod pending_markers;
mod run;
mod sides;
mod sources;
mod stage_inbox;
mod stage_loop;
mod stand_in;
mod timers;

pub(crate) use assemble::{PRODUCER_BUFFER, Run, StageSetup};
pub(crate) use fused::{run_fused_pipeline, run_fused_source};
pub(crate) use inlet::{Appetite, Inlet, LostSubscription, Received};
pub(crate) use life::Ready;
pub(crate) use outlet::Rejections;
pub(crate) use run::{run_consumer, run_producer, run_producer_consumer};
pub(crate) use sides::OutputParts;
pub(crate) use sources::{Source, Sources};
pub(crate) use stand_in::finish_on_behalf_of;
