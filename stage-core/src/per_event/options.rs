//! Options for the children of a per-event stage.

use std::time::Duration;

/// When to restart a child, with the same event.
///
/// There is no "always": a child stands for one event, and a finished event is not handled again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildRestart {
    /// Never: a failed child is reported, and its event counts as handled.
    #[default]
    Temporary,
    /// After a failure: an error or a panic, but not a [normal](crate::ExitReason::is_normal) end.
    Transient,
}

/// How to end children with their stage, or by [`Children::terminate`](super::Children::terminate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Abort them immediately, at their next await point.
    Abort,
    /// Ask them to end (see [`Child::shutdown`](super::Child::shutdown)), and abort those still running after
    /// this time.
    After(Duration),
    /// Ask them to end, and wait as long as it takes. A pipeline that stops still aborts the whole stage
    /// after 5 seconds.
    Wait,
}

impl Default for Shutdown {
    /// 5 seconds, as in OTP.
    fn default() -> Self {
        Self::After(Duration::from_secs(5))
    }
}
