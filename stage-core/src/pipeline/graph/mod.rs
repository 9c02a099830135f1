//! Connects the copies of neighbouring steps, and creates them when the pipeline starts.

pub(super) mod hand_over;
pub(super) mod parts;
pub(super) mod route;
pub(super) mod wire;
