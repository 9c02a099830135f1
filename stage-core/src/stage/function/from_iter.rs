//! A producer of the events of an iterator.

use std::fmt;

use crate::demand::Demand;
use crate::error::StageResult;
use crate::stage::{Emitter, Producer};

/// Emits the items of an iterator, in order, as they are asked for, and finishes with it.
///
/// The iterator is advanced on the stage's task: one that waits or computes for long belongs on a
/// blocking thread (`placement`).
pub struct FromIter<I> {
    items: I,
}

impl<I: Iterator> FromIter<I> {
    /// A producer of what `items` iterates over.
    pub fn new(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self { items: items.into_iter() }
    }
}

impl<I> Producer for FromIter<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Event = I::Item;

    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, I::Item>) -> StageResult {
        let mut made = 0;
        out.extend(self.items.by_ref().take(demand.get()).inspect(|_| made += 1));
        if made < demand.get() {
            out.finish();
        }
        Ok(())
    }
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter").finish_non_exhaustive()
    }
}
