//! Joins of two flows by key, with or without the events that have no partner.

mod few;
mod joins;
mod kind;
mod lookup;
mod operator;
mod side;
mod sides;

#[doc(hidden)]
pub use joins::JoinedFlow;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, LookupKind, RightOuter};
#[doc(hidden)]
pub use lookup::{Lookup, LookupFlow, LookupLayer, LookupOperator, Table};
#[doc(hidden)]
pub use operator::{JoinLayer, JoinOperator};
#[doc(hidden)]
pub use side::Side;
