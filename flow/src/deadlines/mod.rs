//! Values by key that are emitted at a deadline of event time.

mod method;
mod operator;

pub use operator::{DeadlineLayer, DeadlineOperator};
