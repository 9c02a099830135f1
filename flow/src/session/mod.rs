//! Sessions: the events of a key that follow each other without a long gap.

mod open;
mod operator;
mod sessions;
mod spec;

pub use operator::{SessionLayer, SessionOperator};
pub use sessions::SessionFlow;
pub use spec::{Session, Sessions};
