//! Sessions: the events of a key that follow each other without a long gap.

mod operator;
mod spec;

pub use operator::{SessionFlow, SessionLayer, SessionOperator};
pub use spec::{Session, Sessions};
