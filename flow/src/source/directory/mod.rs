//! A directory and everything below it as a source, walked by all stages of the layer at once.

mod entry;
mod frontier;
mod part;
mod tree;

pub use entry::{Entry, WalkError};
pub use part::TreePart;
pub use tree::Tree;
