//! A reference to a producer, independent of its stage type.

use std::fmt;

use crate::sync::Arc;
use crate::wire::mailbox::Subscribable;

/// The address of a stage that emits events of type `E`. Cheap to clone; stays valid through restarts.
pub struct ProducerRef<E> {
    pub(crate) stage: Arc<dyn Subscribable<E>>,
}

impl<E> ProducerRef<E> {
    /// Returns the name of the stage.
    pub fn name(&self) -> Arc<str> {
        self.stage.name()
    }
}

impl<E> Clone for ProducerRef<E> {
    fn clone(&self) -> Self {
        Self { stage: Arc::clone(&self.stage) }
    }
}

impl<E> fmt::Debug for ProducerRef<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerRef").field("name", &self.name()).finish()
    }
}
