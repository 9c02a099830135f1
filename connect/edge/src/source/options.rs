//! Options of an edge's source.

use std::time::Duration;

use stage_connect::__private::random;
use stage_core::Backoff;

use crate::leases::MemberId;

/// Options of an [`EdgeSource`](super::EdgeSource), which may differ between the processes that share an edge.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Backoff;
/// use stage_edge::{MemberId, SourceOptions};
///
/// let options = SourceOptions::new("north")
///     .member(MemberId::new("north-20261130-0215"))
///     .retry(Backoff::new(Duration::from_millis(100), Duration::from_secs(10)))
///     .pool_frames(8);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SourceOptions {
    name: String,
    pub(super) member: Option<MemberId>,
    pub(crate) retry: Backoff,
    pub(super) pool_frames: u32,
}

impl SourceOptions {
    /// Returns the defaults for a process, whose name is for people: that of the machine, for example.
    pub fn new(name: impl Into<String>) -> Self {
        let retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).attempts(u32::MAX);
        Self { name: name.into(), member: None, retry, pool_frames: 4 }
    }

    /// Sets the id of this run among the members, which must be unique. Default: the name and a random number.
    pub fn member(mut self, id: MemberId) -> Self {
        self.member = Some(id);
        self
    }

    /// Sets the delay before an event that failed is handed out again, while it holds up its partition. A limit on
    /// attempts in `backoff` is ignored: [`EdgeSpec::attempts`](crate::EdgeSpec::attempts) applies. Default: 1 s, doubling
    /// up to 1 min.
    pub fn retry(mut self, backoff: Backoff) -> Self {
        self.retry = backoff.attempts(u32::MAX);
        self
    }

    /// Sets the number of frames of a pool that this process has in hand, at least 1. Default: 4.
    pub fn pool_frames(mut self, frames: u32) -> Self {
        self.pool_frames = frames.max(1);
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of a new run of the source.
    pub(super) fn id(&self) -> MemberId {
        let random = || {
            let name: String = self.name.chars().take(40).collect();
            MemberId::new(format!("{name}-{:016x}", random()))
        };
        self.member.clone().unwrap_or_else(random)
    }
}
