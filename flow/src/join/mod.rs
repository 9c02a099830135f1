//! Joins of two flows by key, with or without the events that have no partner.

mod joins;
mod kind;
mod operator;
mod side;
mod sides;

#[doc(hidden)]
pub use joins::JoinedFlow;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
#[doc(hidden)]
pub use operator::{JoinLayer, JoinOperator};
#[doc(hidden)]
pub use side::Side;
