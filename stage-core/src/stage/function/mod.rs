//! Stages made from plain functions and iterators.

mod for_each;
mod from_iter;
mod map_each;
mod then;

pub use for_each::ForEach;
pub use from_iter::FromIter;
pub use map_each::MapEach;
pub use then::Then;
