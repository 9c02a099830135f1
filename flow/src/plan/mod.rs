//! From a description to running stages: the parts of a layer, and how layers are wired.

mod build;
mod fed;
mod node;
mod operator;
mod outline;
mod pass;
mod shared;
mod sourced;
mod then;

pub(crate) use build::{Build, Exit, RunningStage, SUBSCRIBE_TIMEOUT, guarded};
pub use fed::Fed;
pub(crate) use fed::Routing;
pub use node::{LayerNode, Merged};
pub(crate) use node::{Node, NodeOf, Sides, Upstream};
pub(crate) use operator::{Feeds, Give};
pub use operator::{Layer, Operator, Origin, Place};
pub use outline::Outline;
pub(crate) use outline::OutlineLayer;
pub(crate) use shared::Shared;
pub use sourced::{Fused, Sourced};
pub use then::{Staged, Then};
