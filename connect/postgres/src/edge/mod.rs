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
