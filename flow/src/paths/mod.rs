//! The paths of operators in compile errors.

pub mod step;
