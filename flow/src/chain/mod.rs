//! The steps between two layers: fused at compile time into one function from an event to what comes of it.
//!
//! A chain is a type such as `Filter<Map<Start<…>, F>, G>`. Its [`push`](Chain::push) calls the one of the
//! chain before with a closure that goes on, so that after inlining the steps are one loop; nothing is
//! collected between them. What a step has to remember, it keeps in the chain's state, of which there is
//! one for each stage and window.

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
