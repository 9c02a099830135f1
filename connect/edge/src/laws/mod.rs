//! The laws that a pool keeps on every server, as tests against a real one.
//!
//! The tests of a server implement [`PoolServer`] and declare the laws with [`pool_laws!`](crate::pool_laws!): one test for
//! each. The functions of this module are the laws; each panics with a message that names the violation. Those of
//! [`crashes`] need processes, so the tests of a server call them one by one.
//!
//! ```no_run
//! use stage_edge::laws::*;
//! use stage_edge::memory::MemoryEdge;
//!
//! struct Memory(MemoryEdge);
//!
//! impl PoolServer for Memory {
//!     type Edge = MemoryEdge;
//!
//!     async fn start() -> Option<Self> {
//!         Some(Self(MemoryEdge::new()))
//!     }
//!
//!     async fn client(&self) -> MemoryEdge {
//!         self.0.clone()
//!     }
//! }
//!
//! run(machines_share_the_events::<Memory>);
//! run(a_full_pool_holds_up_its_senders::<Memory>);
//! run(the_window_bounds_the_frames_of_all_machines::<Memory>);
//! run(only_the_events_that_fail_are_dead::<Memory>);
//! run(a_drain_gives_nothing_out_twice::<Memory>);
//! run(a_frame_that_failed_continues_after_a_drain::<Memory>);
//! run(parts_of_a_pipeline_share_a_pool::<Memory>);
//! run(a_frame_is_stored_once::<Memory>);
//! run(notes_are_compared_and_set::<Memory>);
//! run(partitions_are_refused::<Memory>);
//! ```

pub mod crashes;
mod declare;
mod kit;
mod machines;
mod objects;
mod server;

pub use machines::{
    a_drain_gives_nothing_out_twice, a_frame_that_failed_continues_after_a_drain,
    a_full_pool_holds_up_its_senders, machines_share_the_events, only_the_events_that_fail_are_dead,
    parts_of_a_pipeline_share_a_pool, the_window_bounds_the_frames_of_all_machines,
};
pub use objects::{a_frame_is_stored_once, notes_are_compared_and_set, partitions_are_refused};
pub use server::{PoolServer, run};
