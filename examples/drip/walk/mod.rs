//! Selects the files of an upload: a path, or everything below it except hidden folders, build output and
//! drip's own folders.

mod attributes;
mod avoid;
mod descent;
mod found;
mod pattern;
mod walker;

pub(crate) use attributes::attributes;
pub use avoid::{Avoid, LeftOut};
pub use found::{Found, Links, Problem};
pub use pattern::Pattern;
pub use walker::walk;
