//! A producer of an iterator's items that hands over slow items in parts.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::error::StageResult;
use crate::base::future::FutureExt;
use crate::credit::demand::Demand;
use crate::stage::{Emitter, Producer};

/// The limit above which producing items is slow; the items made so far are then handed over.
const SLOW: Duration = Duration::from_micros(500);

/// Demands served without reading the clock after one that was served fast: a reading costs as much as making
/// a hundred numbers.
const UNWATCHED: u32 = 7;

/// Emits the items of an iterator, in order and on demand, and finishes at its end.
///
/// A demand that takes long to serve is handed over in parts, see
/// [`source::from_iter`](crate::source::from_iter).
pub struct FromIter<I> {
    items: I,
    /// The number of items made before the clock is read; at least 1.
    part: usize,
    /// The number of demands left to serve without reading the clock, if they are no larger than a part.
    unwatched: u32,
}

impl<I: Iterator> FromIter<I> {
    /// Creates a producer of the items of `items`.
    pub fn new(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self { items: items.into_iter(), part: 1, unwatched: 0 }
    }

    /// Emits `part` items, or the remaining ones, which finishes the stage.
    fn make(&mut self, part: usize, out: &mut Emitter<'_, I::Item>) {
        let mut made = 0;
        out.extend(self.items.by_ref().take(part).inspect(|_| made += 1));
        if made < part {
            out.finish();
        }
    }

    /// Records how long a part took; returns whether that was slow.
    fn took(&mut self, part: usize, took: Duration) -> bool {
        if took < SLOW {
            self.part = self.part.max(part.saturating_mul(2));
            return false;
        }
        // The number of items that fit within the limit.
        let fitting = part as u128 * SLOW.as_nanos() / took.as_nanos();
        self.part = usize::try_from(fitting).unwrap_or(part).max(1);
        true
    }
}

impl<I> Producer for FromIter<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Event = I::Item;

    const SINGLE: bool = true;
    const STARTS_OVER: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, I::Item>) -> StageResult {
        let mut missing = demand.get();
        if self.unwatched > 0 && missing <= self.part {
            self.unwatched -= 1;
            self.make(missing, out);
            return Ok(());
        }
        loop {
            let part = missing.min(self.part);
            let began = Instant::now();
            self.make(part, out);
            let slow = self.took(part, began.elapsed());
            self.unwatched = if slow { 0 } else { UNWATCHED };
            missing -= part;
            if missing == 0 || out.state.finished {
                return Ok(());
            }
            if slow {
                out.flush();
                out.state.give_way().await;
                if out.draining().now_or_never().is_some() {
                    return Ok(());
                }
            }
        }
    }
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter").field("part", &self.part).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_while_they_are_fast_and_shrink_to_fit_the_time() {
        let mut numbers = FromIter::new(0..);
        for part in [1, 2, 4, 8, 16, 32] {
            assert!(!numbers.took(part, SLOW / 2));
            assert_eq!(numbers.part, 2 * part);
        }
        assert!(numbers.took(64, SLOW * 16));
        assert_eq!(numbers.part, 4);
        assert!(numbers.took(4, Duration::from_secs(1)));
        assert_eq!(numbers.part, 1);
    }
}
