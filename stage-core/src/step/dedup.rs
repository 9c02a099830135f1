//! Steps that leave out repeated neighbours.

use std::marker::PhantomData;

use super::passing::{Pass, Passing, Verdict};
use crate::stage::ProducerConsumer;

/// Leaves out events that equal the one before.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, changes) = sink::collect::<Vec<u32>, _>();
/// let pipeline = Pipeline::builder("changes")
///     .start_fn("readings", || Ok([20, 20, 21, 21, 20]))
///     .step("dedup", || Ok(step::dedup()))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(changes.await?, [20, 21, 20]);
/// # Ok(())
/// # }
/// ```
///
/// The step keeps a clone of the latest event; [`dedup_by_key`] keeps a key, and compares deliveries.
pub fn dedup<E>() -> impl ProducerConsumer<In = E, Out = E>
where
    E: Clone + PartialEq + Send + 'static,
{
    dedup_by_key(E::clone)
}

/// Leaves out events with the same key as the one before.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, changes) = sink::collect::<Vec<(u32, bool)>, _>();
/// let pipeline = Pipeline::builder("changes")
///     .start_fn("states", || Ok([(1, false), (2, false), (3, true)]))
///     .step("dedup", || Ok(step::dedup_by_key(|state: &(u32, bool)| state.1)))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(changes.await?, [(1, false), (3, true)]);
/// # Ok(())
/// # }
/// ```
pub fn dedup_by_key<E, K, F>(key: F) -> impl ProducerConsumer<In = E, Out = E>
where
    E: Send + 'static,
    K: PartialEq + Send + 'static,
    F: FnMut(&E) -> K + Send + 'static,
{
    Passing::new(Dedup { key, latest: None, event: PhantomData })
}

pub(super) struct Dedup<E, K, F> {
    pub(super) key: F,
    pub(super) latest: Option<K>,
    pub(super) event: PhantomData<fn(E)>,
}

impl<E, K, F> Pass for Dedup<E, K, F>
where
    E: Send + 'static,
    K: PartialEq + Send + 'static,
    F: FnMut(&E) -> K + Send + 'static,
{
    type In = E;
    type Out = E;

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        let key = Some((self.key)(&event));
        if self.latest == key {
            return Verdict::LeaveOut(event);
        }
        self.latest = key;
        Verdict::Emit(event)
    }
}
