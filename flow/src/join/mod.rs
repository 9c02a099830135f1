//! Two flows joined by key: which pairs come out, and what of those without a partner.

mod joins;
mod kind;
mod operator;
mod side;
mod sides;

pub use joins::Joined;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
pub use operator::{JoinLayer, JoinOperator};
pub use side::Side;
