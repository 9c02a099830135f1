//! Does stage-core behave as GenStage 1.3.2 does? Its own cases, by their ids in the conformance table.
#![forbid(unsafe_code)]

mod dispatch;
