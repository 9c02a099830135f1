//! What do the project's own files say? Rust sources as text in which only the code is left.
//!
//! Enough for the rules that `tests/architecture.rs` checks; not a parser.

mod file;
mod paths;
mod strip;

pub use file::{Line, SourceFile, read_sources, workspace_root};
pub use paths::{Import, imports};
