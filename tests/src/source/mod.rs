//! Reader of the project's own Rust sources, reduced to code.
//!
//! It suffices for the rules that `tests/architecture.rs` checks, and is no parser.

mod file;
mod paths;
mod strip;

pub use file::{Line, SourceFile, read_sources, workspace_root};
pub use paths::{Import, imports};
