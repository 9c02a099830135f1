//! Conformance of `flow` with Flow 1.2.4: the original's cases, by their ids in the conformance table.
//!
//! The cases of windows and the random flows are programs of their own, so that cargo compiles them beside this one.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "flows give functions their events by reference")]

mod beyond;
mod beyond_time;
mod bounds;
mod departition;
mod documentation;
mod drained;
mod finished;
mod four_stages;
mod ids;
mod joins;
mod leaks;
mod merge;
mod named;
mod partition;
mod partitioned;
mod running;
mod stages;
mod support;
mod two_sources;
mod watermarks;
