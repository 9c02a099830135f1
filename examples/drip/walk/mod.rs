//! Which files an upload takes: a path, or everything below it that is not hidden away, built, or drip's own.

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
