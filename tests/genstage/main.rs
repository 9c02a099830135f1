//! Conformance of stage-core with GenStage 1.3.2: the original's cases, by their ids in the conformance
//! table.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod consumer_callbacks;
mod consumer_demand;
mod demand_mode;
mod differences;
mod dispatch;
mod ids;
mod infos;
mod names;
mod per_event;
mod producer_callbacks;
mod protocol;
mod stage_buffer;
mod step_callbacks;
mod step_demand;
mod stream;
mod subscribing;
mod support;
mod traces;
mod uncovered;
