//! What can be chosen about the children of a per-event stage.

use std::time::Duration;

/// When a child is started anew, with the same event.
///
/// There is no "always": a child stands for one event, and a finished event is not handled again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never: a child that fails is reported, and its event counts as handled.
    #[default]
    Temporary,
    /// After a failure: an error, a panic. Not after a [normal](crate::ExitReason::is_normal) end.
    Transient,
}

/// How children are ended with their stage, or by [`Children::terminate`](super::Children::terminate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Cut off at their next wait, at once.
    Abort,
    /// Asked to end (see [`Child::shutdown`](super::Child::shutdown)); those that have not after this time
    /// are cut off.
    After(Duration),
    /// Asked to end, and waited for as long as it takes. A pipeline that stops cuts the whole stage off
    /// after 5 seconds all the same.
    Wait,
}

impl Default for Shutdown {
    /// 5 seconds, as in OTP.
    fn default() -> Self {
        Self::After(Duration::from_secs(5))
    }
}
