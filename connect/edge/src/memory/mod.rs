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
//!
//! The network of a machine can be cut, and the clients called one by one:
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use stage_connect::{MessageId, Pull, Push, Settle};
//! use stage_edge::memory::{
//!     Fault, MemoryEdge, MemoryInlet, MemoryLeases, MemoryLetters, MemoryNotes, MemoryOutlet, MemorySettle, Network,
//! };
//! use stage_edge::{Edge, EdgeSpec, Leases, MemberId, Notes, Partition};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let spec = EdgeSpec::new("shop", "orders").partitions(1);
//! let server = MemoryEdge::new();
//! let north = server.machine("north");
//! let leases: MemoryLeases = north.leases(&spec);
//! let epoch = leases.take(Partition(0), &MemberId::new("north")).await?.ok_or("the partition is taken")?;
//! assert_eq!(server.owner("orders", Partition(0)), Some(MemberId::new("north")));
//!
//! // What this machine stores, and another program.
//! let mut outlet: MemoryOutlet = north.outlet(&spec, Partition(0));
//! outlet.connect().await?;
//! outlet.put(&[(MessageId::new("1"), "a".into())]).await?;
//! server.store("orders", Partition(0), "b");
//! server.until(|server| server.frames("orders") == 2).await;
//! assert_eq!(server.most_frames("orders"), 2);
//!
//! let mut inlet: MemoryInlet = north.inlet(&spec, Partition(0), epoch);
//! let mut settle: MemorySettle = inlet.settle_half();
//! inlet.connect().await?;
//! inlet.pull(NonZeroUsize::MIN, Duration::ZERO).await?;
//! assert_eq!(server.frames_in_flight("orders"), 1);
//! server.redeliver();
//! assert_eq!(server.frames_in_flight("orders"), 0);
//! settle.finish().await?;
//!
//! // A call that fails has taken effect or not.
//! north.set_network(Network::Down);
//! assert!(leases.renew(Partition(0), epoch).await.is_err());
//! north.set_network(Network::Up);
//! north.lose_answers(1);
//! assert!(leases.renew(Partition(0), epoch).await.is_err());
//! let letters: MemoryLetters = north.letters(&spec);
//! assert!(server.dead_letters().is_empty(), "{letters:?} stores none of it");
//!
//! // A server with a fault, for a test that must notice it.
//! let faulty = MemoryEdge::with_fault(Fault::LosesNotes);
//! let notes: MemoryNotes = faulty.notes(&spec);
//! notes.put("orders.0", b"seen", None).await?;
//! assert_eq!(notes.get("orders.0").await?, None);
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
