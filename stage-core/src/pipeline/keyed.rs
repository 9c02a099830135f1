//! The key by which a step is fed.

use super::chain::Chain;
use crate::policy::Carry;
use crate::sync::Arc;

/// Returns the hash of an event's key.
pub(crate) type EventKey<E> = Arc<dyn Fn(&E) -> u64 + Send + Sync>;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Returns the key by which the next step is fed.
    pub(crate) fn key(&self) -> Option<EventKey<C::Of<T>>> {
        self.upstream.key.clone()
    }
}
