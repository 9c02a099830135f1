//! The state of keys, which moves between the copies of a step.

use std::any::Any;

use crate::sync::Arc;

/// Takes the state of a copy that leaves; does nothing with a stage of another type.
#[derive(Clone)]
pub(crate) struct Give(Arc<GiveFn>);

type GiveFn = dyn Fn(&mut dyn Any) + Send + Sync;

impl Give {
    pub(crate) fn new(give: impl Fn(&mut dyn Any) + Send + Sync + 'static) -> Self {
        Self(Arc::new(give))
    }

    pub(crate) fn take_from(&self, stage: &mut dyn Any) {
        (self.0)(stage);
    }
}

impl std::fmt::Debug for Give {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Give")
    }
}

/// A stage that can hand the state of its keys over to the other copies of its step.
///
/// The number of copies of a step that is fed by key changes while all of its copies are away: each has handled what it
/// was sent, in the order of every key, and has given the state of its keys. The copies that come then take it: each is
/// given the keys whose events it will get. See [`Chain::step_keyed`](crate::Chain::step_keyed).
///
/// `K` is the type of the key. A stage that keeps no state per key gives nothing:
///
/// ```
/// use stage_core::stage::HandOver;
///
/// struct Store;
///
/// impl HandOver<u64> for Store {
///     type State = ();
///
///     fn give(&mut self) -> Vec<(u64, ())> {
///         Vec::new()
///     }
///
///     fn take(&mut self, _: u64, (): ()) {}
/// }
/// ```
pub trait HandOver<K> {
    /// The state of one key.
    type State: Send + 'static;

    /// Moves the state of every key out. Called once the copy has handled everything that it was sent, before
    /// [`terminate`](crate::Consumer::terminate).
    ///
    /// If it panics, the copy has failed: the state is lost, as at any failure.
    fn give(&mut self) -> Vec<(K, Self::State)>;

    /// Takes the state of a key. Called before [`init`](crate::Consumer::init), once for each key that has a state.
    ///
    /// If it panics, the copy has failed to start; the states that it was to take are lost.
    fn take(&mut self, key: K, state: Self::State);
}
