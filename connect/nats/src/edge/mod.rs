//! JetStream as the server of an edge between machines.
//!
//! ```text
//!   NatsOutlet ─ frame, id ─▶ stream EDGE_app_name            ─ 1 frame ─▶ NatsInlet, consumer 3-17 (partition 3, epoch 17)
//!                             work queue, e.app.name.3              ◀─ ack ─ NatsInletSettle
//!   NatsLeases ─ create, update, delete by revision ─▶ bucket LEASES_app, whose values end with the lease
//!   NatsNotes ─ compare and set ─▶ bucket NOTES_app           NatsLetters ─▶ stream DEAD_app, d.app.name.id
//! ```
//!
//! * A partition is a subject of a work queue stream, which refuses more frames than it may keep.
//! * An epoch is the revision with which a lease was created. Each epoch has a consumer of its own, with one frame in
//!   flight; the one before it is deleted, so what its process acknowledges later is void.
//! * A pool is one subject with one consumer that all processes share.
//!
//! ```no_run
//! use std::time::Duration;
//! use stage_edge::{Edge, EdgeSpec};
//! use stage_nats::Server;
//! use stage_nats::edge::NatsEdge;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let edge = NatsEdge::new(Server::new("nats://127.0.0.1:4222")?).replicas(3);
//! let spec = EdgeSpec::new("shop", "orders").partitions(32).lease(Duration::from_secs(6)).setup(true);
//! for warning in edge.open(&spec).await?.warnings {
//!     println!("{warning}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What the stages of a pipeline do with a frame, by hand; it needs a server:
//!
//! ```no_run
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use stage_connect::{Disposition, MessageId, Pull, Push, Settle};
//! use stage_edge::{Edge, EdgeSpec, FrameWriter, Header, Leases, Letters, MemberId, Notes, Partition};
//! use stage_nats::Server;
//! use stage_nats::edge::{
//!     NatsEdge, NatsInlet, NatsInletSettle, NatsLeases, NatsLetters, NatsNotes, NatsOutlet, NatsReceipt,
//! };
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("nats://127.0.0.1:4222")?;
//! let (edge, spec) = (NatsEdge::new(server), EdgeSpec::new("shop", "orders").partitions(32));
//! for request in edge.objects(&spec) {
//!     println!("{request:#}");
//! }
//!
//! let mut frame = FrameWriter::new();
//! frame.push(7, b"order 7");
//! let mut outlet: NatsOutlet = edge.outlet(&spec, Partition(3));
//! outlet.connect().await?;
//! outlet.put(&[(MessageId::new("frame-0"), frame.finish(&Header::default()))]).await?;
//!
//! let leases: NatsLeases = edge.leases(&spec);
//! let taken = leases.take(Partition(3), &MemberId::new("north")).await?;
//! let mut inlet: NatsInlet = edge.inlet(&spec, Partition(3), taken.ok_or("another process owns the partition")?);
//! let mut settle: NatsInletSettle = inlet.settle_half();
//! inlet.connect().await?;
//! for frame in inlet.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
//!     let receipt: NatsReceipt = frame.receipt;
//!     println!("frame {}", receipt.position());
//!     settle.settle(&[(receipt, Disposition::Accept)]).await?;
//! }
//!
//! let notes: NatsNotes = edge.notes(&spec);
//! notes.put("orders.3", b"seen", None).await?;
//! let letters: NatsLetters = edge.letters(&spec);
//! println!("{} dead letters", letters.list(0, 100).await?.len());
//! # Ok(())
//! # }
//! ```

mod bucket;
mod guard;
mod handover;
mod inlet;
mod jetstream;
mod lag;
mod leases;
mod leftovers;
mod letters;
mod line;
mod names;
mod notes;
mod outlet;
mod owned;
mod publisher;
mod reader;
mod settle;
mod setup;

pub use inlet::NatsInlet;
pub use jetstream::NatsEdge;
pub use leases::NatsLeases;
pub use letters::NatsLetters;
pub use notes::NatsNotes;
pub use outlet::NatsOutlet;
pub use reader::NatsReceipt;
pub use settle::NatsInletSettle;
