//! From a description to running stages: the parts of a layer, and how layers are wired.

mod build;
mod fed;
mod node;
mod operator;
mod outline;
mod sourced;
mod then;

pub use build::{Build, Exit};
pub(crate) use build::{RunningStage, SUBSCRIBE_TIMEOUT, guarded};
pub use fed::{Fed, Routing};
pub use node::{LayerNode, Merged, Node, NodeOf};
pub use operator::{Feeds, Layer, Operator, Origin, Place};
pub use outline::Outline;
pub use sourced::{Fused, Sourced};
pub use then::{Staged, Then};
