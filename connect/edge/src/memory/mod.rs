//! An edge in memory with faults, for one process and for tests of pipelines on several machines.
//!
//! [`MemoryEdge::machine`] returns a handle for each machine, whose network can be [cut](MemoryEdge::set_network) alone.
//! Times are those of tokio's clock, which a test can pause; with the feature `testing`, the seed of a `Sim` decides the
//! order in which calls take effect.
//!
//! ```
//! use stage_edge::memory::MemoryEdge;
//! use stage_edge::{Edge, EdgeSpec, Leases, MemberId, Partition};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), stage_connect::ConnectError> {
//! let spec = EdgeSpec::new("shop", "orders").partitions(4);
//! let server = MemoryEdge::new();
//! let (one, two) = (server.machine("one"), server.machine("two"));
//! let taken = one.leases(&spec).take(Partition(0), &MemberId::new("one")).await?;
//! assert!(taken.is_some());
//! assert!(two.leases(&spec).take(Partition(0), &MemberId::new("two")).await?.is_none());
//! # Ok(())
//! # }
//! ```

mod edge;
mod fault;
mod inlet;
mod leases;
mod network;
mod notes;
mod outlet;
mod state;

pub use edge::MemoryEdge;
pub use fault::Fault;
pub use inlet::{MemoryInlet, MemorySettle};
pub use leases::MemoryLeases;
pub use network::Network;
pub use notes::MemoryNotes;
pub use outlet::{MemoryLetters, MemoryOutlet};
