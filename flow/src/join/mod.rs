//! Joins of two flows by key, with or without the events that have no partner.

mod joins;
mod kind;
mod operator;
mod side;
mod sides;

pub use joins::Joined;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
pub use operator::{JoinLayer, JoinOperator};
pub use side::Side;
