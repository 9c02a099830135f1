//! The steps between two layers, fused at compile time into one function from an event to its results.
//!
//! A chain is a type such as `Filter<Map<Start<…>, F>, G>`. Its [`push`](Chain::push) calls `push` of the
//! preceding chain with a closure that continues, so that after inlining the steps are one loop; nothing is
//! collected between them. The state of the steps is kept separately from the chain, once for each stage and
//! window.

mod batched;
mod chain_trait;
mod filter;
mod flat_map;
mod inspect;
mod map;
mod start;
mod step;
mod uniq;

pub use batched::{Batched, Unbatched};
pub use chain_trait::Chain;
pub(crate) use chain_trait::{CarriedOf, CopyOf, InOf, StampOf, TimeOf};
pub use filter::{Filter, FilterMap};
pub use flat_map::FlatMap;
pub use inspect::Inspect;
pub use map::Map;
pub use start::Start;
pub use uniq::{Seen, UniqBy};
