//! Stages made from plain functions and iterators.

mod for_each;
mod from_iter;
mod map_each;
mod sinking;
mod source_then;
mod then;

pub use for_each::ForEach;
pub use from_iter::FromIter;
pub use map_each::MapEach;
pub(crate) use sinking::{Ending, Sinking};
pub(crate) use source_then::SourceThen;
pub use then::Then;
