//! A PostgreSQL database as the server of an edge between machines: no broker is needed.
//!
//! ```text
//!   PostgresOutlet ─ frame, id ─▶ lane APP.NAME of the table ─ lease ─▶ PostgresInlet
//!                                jobs, jobs_ids                 ◀─ done ─ PostgresInletSettle
//!   PostgresNotes ─ compare and set ─▶ jobs_notes      PostgresLetters ─▶ jobs_dead
//! ```
//!
//! An edge is a pool: all processes on all machines share its frames, in no order. A frame is a job of the queue, so it
//! has a lease of [`ack_wait`](stage_edge::EdgeSpec::ack_wait), which is renewed while the frame is in hand. The frames of
//! a process that is killed are handed out again, one at a time, after their leases have run out.
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_edge::Across;
//! use stage_postgres::edge::PostgresEdge;
//! use stage_postgres::{Queue, QueueOptions, Server};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     item: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let queue = Queue::new(Server::new("postgres://app:secret@localhost/shop")?, QueueOptions::new())?;
//! let edge = PostgresEdge::new(queue.clone());
//! edge.setup().await?;
//!
//! let pipeline = Pipeline::builder("shop")
//!     .start("incoming", move || Ok(source::pulled(queue.pull(), PullOptions::new())))
//!     .acknowledged()
//!     .step_fn("parse", |job| Order { item: String::from_utf8_lossy(&job.payload).into_owned() })
//!     .across(Across::new(edge, "orders").app("shop"))
//!     .finish_fn("ship", |order: Order| println!("{}", order.item));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! An order per key needs partitions, and so another server:
//!
//! ```compile_fail
//! # use stage_edge::Across;
//! # use stage_postgres::edge::PostgresEdge;
//! # fn declare(edge: PostgresEdge) {
//! let orders = Across::new(edge, "orders").by(|order: &u64| *order);
//! # let _ = orders;
//! # }
//! # fn main() { std::hint::black_box::<fn(PostgresEdge)>(declare); }
//! ```
//!
//! What the stages of a pipeline do with a frame, by hand; it needs a server:
//!
//! ```no_run
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use stage_connect::{Disposition, MessageId, Pull, Push, Settle};
//! use stage_edge::{Edge, EdgeSpec, FrameWriter, Header, Letters, Notes, Partition};
//! use stage_postgres::edge::{
//!     PostgresEdge, PostgresInlet, PostgresInletSettle, PostgresLetters, PostgresNotes, PostgresOutlet,
//! };
//! use stage_postgres::{Queue, QueueOptions, Server};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let queue = Queue::new(Server::new("postgres://app:secret@localhost/shop")?, QueueOptions::new())?;
//! let edge = PostgresEdge::new(queue);
//! let spec = EdgeSpec::new("shop", "orders");
//! let mut frame = FrameWriter::new();
//! frame.push(0, b"order 7");
//! let mut outlet: PostgresOutlet = edge.outlet(&spec, Partition(0));
//! outlet.connect().await?;
//! outlet.put(&[(MessageId::new("frame-0"), frame.finish(&Header::default()))]).await?;
//!
//! let mut inlet: PostgresInlet = edge.pool(&spec);
//! let mut settle: PostgresInletSettle = inlet.settle_half();
//! inlet.connect().await?;
//! for frame in inlet.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
//!     settle.settle(&[(frame.receipt, Disposition::Accept)]).await?;
//! }
//! assert_eq!(edge.lag(&spec).await?[0].frames, 0);
//!
//! let notes: PostgresNotes = edge.notes(&spec);
//! notes.put("orders.day", b"monday", None).await?;
//! let letters: PostgresLetters = edge.letters(&spec);
//! assert!(letters.list(0, 100).await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod inlet;
mod letters;
mod notes;
mod outlet;
mod server;
mod statements;

pub use inlet::{PostgresInlet, PostgresInletSettle};
pub use letters::PostgresLetters;
pub use notes::PostgresNotes;
pub use outlet::PostgresOutlet;
pub use server::PostgresEdge;
