//! The edge of a pipeline between machines: partitions under leases, frames of events, and order per key.
//!
//! ```text
//!   machine 1: steps ═▶ sink ─ frames ─┐   ┌─ partitions 0, 2 ─▶ source ═▶ steps   machine 2
//!                                      ├ server
//!   machine 2: steps ═▶ sink ─ frames ─┘   └─ partitions 1, 3 ─▶ source ═▶ steps   machine 3
//! ```
//!
//! An [`Edge`] is implemented for a server. Its frames leave through a [`Push`](stage_connect::Push) for each
//! partition, and arrive through a [`Pull`](stage_connect::Pull) of one partition under one [`Epoch`].
//!
//! # Features
//!
//! * `flow`: keyed windows of event time whose state survives its machine, the module `flow`.
//! * `memory`: an edge in memory with faults, for one process and for tests.
//! * `testing`: `memory`, the test kit of stage-core, under which the seed of a `Sim` decides the order of the calls, and the
//!   laws of pools for real servers (`laws`).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod across;
mod assign;
mod calls;
mod codec;
mod dead;
mod edge;
mod entrance;
mod fault;
#[cfg(feature = "flow")]
pub mod flow;
mod format;
mod frame;
mod hash;
#[cfg(feature = "testing")]
pub mod laws;
mod leases;
mod letter;
#[cfg(feature = "memory")]
pub mod memory;
mod no_leases;
mod notes;
mod owner;
mod partition;
mod schema;
mod sink;
mod source;
mod spec;
mod tries;
mod versions;
mod view;

pub use across::Across;
pub use codec::{Codec, Json, Postcard};
pub use dead::{Dead, DeadEvent, Letters};
pub use edge::{Edge, Lag, Opened};
pub use format::Format;
pub use frame::{Frame, FrameError, FrameEvent, FrameId, FrameKind, FrameWriter, Header};
pub use hash::{HASH_VERSION, key_hash, partition_of};
pub use leases::{LeaseView, Leases, Member, MemberId, Owned};
pub use letter::{Form, Letter};
pub use no_leases::NoLeases;
pub use notes::{Note, NoteError, Notes};
pub use partition::{Epoch, Partition};
pub use schema::SchemaId;
pub use sink::EdgeSink;
pub use source::{EdgeSource, SourceOptions};
pub use spec::{EdgeSpec, SpecError};
pub use view::{EdgeView, PartitionView};
