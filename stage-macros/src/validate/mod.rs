//! Validation: every rule that involves more than one option or item.

mod across;
mod check;
mod copies;
mod defaults;
mod flight;
mod fused;
mod idle;
mod junctions;
mod names;
mod outline;
mod policies;
mod rejected;
mod requirement;

pub(crate) use self::check::validate;
pub(crate) use self::defaults::{DEFAULT_COUNT, DEFAULT_MAX_DEMAND};
pub(crate) use self::idle::{Idle, idle};
pub(crate) use self::requirement::{Bound, Evaluation, Requirement, requirements};
