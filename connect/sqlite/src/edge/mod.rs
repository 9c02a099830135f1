//! An SQLite file as the server of an edge between the processes of one machine: no broker is needed.
//!
//! ```text
//!   SqliteOutlet ─ frame, id ─▶ lane APP.NAME of the table ─ lease ─▶ SqliteInlet
//!                              jobs, jobs_ids                 ◀─ done ─ QueueSettle
//!   SqliteNotes ─ compare and set ─▶ jobs_notes      SqliteLetters ─▶ jobs_dead
//! ```
//!
//! An edge is a pool: all processes with the file share its frames, in no order. A frame is a job of the queue, so it has
//! a lease of [`ack_wait`](stage_edge::EdgeSpec::ack_wait), which is renewed while the frame is in hand. The frames of a
//! process that is killed are handed out again, one at a time, after their leases have run out.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use stage_core::Pipeline;
//! use stage_edge::Across;
//! use stage_sqlite::edge::SqliteEdge;
//! use stage_sqlite::{NewJob, Queue, QueueOptions};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     item: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let queue = Queue::open(path, QueueOptions::new()).await?;
//! let edge = SqliteEdge::new(queue.clone()).await?;
//! queue.enqueue([NewJob::new("tea"), NewJob::new("milk")]).await?;
//!
//! let (sender, mut handled) = tokio::sync::mpsc::unbounded_channel();
//! let pipeline = Pipeline::builder("shop")
//!     .start("incoming", move || Ok(queue.source()))
//!     .acknowledged()
//!     .step_fn("parse", |job| Order { item: String::from_utf8_lossy(&job.payload).into_owned() })
//!     .across(Across::new(edge, "orders").app("shop"))
//!     .finish_fn("ship", move |order: Order| sender.send(order.item).expect("the receiver is alive"));
//! let running = pipeline.start().await?;
//! for _ in 0..2 {
//!     println!("shipped: {:?}", handled.recv().await);
//! }
//! running.drain(std::time::Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! An order per key needs partitions, and so another server:
//!
//! ```compile_fail
//! # use stage_edge::Across;
//! # use stage_sqlite::edge::SqliteEdge;
//! # fn declare(edge: SqliteEdge) {
//! let orders = Across::new(edge, "orders").by(|order: &u64| *order);
//! # let _ = orders;
//! # }
//! # fn main() { std::hint::black_box::<fn(SqliteEdge)>(declare); }
//! ```
//!
//! What the stages of a pipeline do with a frame, by hand:
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use stage_connect::{Disposition, MessageId, Pull, Push, Settle};
//! use stage_edge::{Edge, EdgeSpec, FrameWriter, Header, Letters, Notes, Partition};
//! use stage_sqlite::edge::{SqliteEdge, SqliteInlet, SqliteLetters, SqliteNotes, SqliteOutlet};
//! use stage_sqlite::{Queue, QueueOptions, QueueSettle};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let queue = Queue::open(path, QueueOptions::new()).await?;
//! let edge = SqliteEdge::new(queue).await?;
//! let spec = EdgeSpec::new("shop", "orders");
//! let mut frame = FrameWriter::new();
//! frame.push(0, b"order 7");
//! let mut outlet: SqliteOutlet = edge.outlet(&spec, Partition(0));
//! outlet.connect().await?;
//! outlet.put(&[(MessageId::new("frame-0"), frame.finish(&Header::default()))]).await?;
//!
//! let mut inlet: SqliteInlet = edge.pool(&spec);
//! let mut settle: QueueSettle = inlet.settle_half();
//! inlet.connect().await?;
//! for frame in inlet.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
//!     settle.settle(&[(frame.receipt, Disposition::Accept)]).await?;
//! }
//! assert_eq!(edge.lag(&spec).await?[0].frames, 0);
//!
//! let notes: SqliteNotes = edge.notes(&spec);
//! notes.put("orders.day", b"monday", None).await?;
//! let letters: SqliteLetters = edge.letters(&spec);
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

pub use inlet::SqliteInlet;
pub use letters::SqliteLetters;
pub use notes::SqliteNotes;
pub use outlet::SqliteOutlet;
pub use server::SqliteEdge;
