//! A reference to a producer, independent of its stage type.

use std::fmt;
use std::marker::PhantomData;

use crate::sync::Arc;
use crate::wire::mailbox::Subscribable;

/// The address of a stage that emits events of type `E`. Cheap to clone; stays valid through restarts.
///
/// ```
/// use futures_util::TryStreamExt;
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::{ProducerRef, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = producer(FromIter::new(0..3), StageOptions::named("numbers")).await?;
/// let numbers: ProducerRef<i32> = numbers.producer();
/// assert_eq!(&*numbers.name(), "numbers");
/// let events = numbers.stream(SubscribeOptions::new())?;
/// assert_eq!(events.try_collect::<Vec<_>>().await?, [0, 1, 2]);
/// # Ok(())
/// # }
/// ```
pub struct ProducerRef<E> {
    pub(crate) stage: Arc<dyn Subscribable>,
    /// Invariant, since types with another lifetime have another id.
    of: PhantomData<fn(E) -> E>,
}

impl<E> ProducerRef<E> {
    /// Creates the reference to `stage`, which emits events of type `E`.
    pub(crate) fn new(stage: Arc<dyn Subscribable>) -> Self {
        Self { stage, of: PhantomData }
    }

    /// Returns the name of the stage.
    pub fn name(&self) -> Arc<str> {
        self.stage.name()
    }
}

impl<E> Clone for ProducerRef<E> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.stage))
    }
}

impl<E> fmt::Debug for ProducerRef<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerRef").field("name", &self.name()).finish()
    }
}
