//! The structure of a pipeline, as data and as drawings.

pub(super) mod carried;
mod draw;
mod topology;

pub use carried::Carried;
pub use topology::{Link, LinkKind, StepInfo, StepKind, Topology};
