//! A source of the items of an iterator that does not wait for the slow ones.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::yield_now;

use crate::demand::Demand;
use crate::error::StageResult;
use crate::stage::{Emitter, Producer};

/// Making items for longer than this is slow: what is there is handed on.
const SLOW: Duration = Duration::from_micros(500);

/// A source of the items of `items`, made as they are asked for.
///
/// A demand that takes long to serve is handed on in parts: an iterator that needs ten milliseconds an
/// item delivers every ten milliseconds, and can be drained between two items, whatever the demand. The
/// parts grow while the iterator is fast. When it ends, the stage finishes.
///
/// The iterator is advanced on the stage's task: one that blocks its thread or computes for long belongs
/// on a [`Placement`](crate::Placement) of its own. One that waits for others, such as a channel's, keeps
/// what it gave shortly before; the sources for channels do not.
///
/// ```
/// use stage_core::{Pipeline, sink, source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<String, _>();
/// let pipeline = Pipeline::builder("letters")
///     .start("letters", || Ok(source::from_iter('a'..='e')))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, "abcde");
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events are emitted in the order of the iterator.
///
/// # Restart
///
/// The recipe makes a new iterator, which begins anew.
///
/// # Panics
///
/// A panic of the iterator ends the stage, which is then restarted. Items that it made and that were not
/// handed on are counted as discarded.
pub fn from_iter<I>(items: I) -> Items<I::IntoIter>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
{
    Items { items: items.into_iter(), part: 1 }
}

/// The source that [`from_iter`] makes.
pub struct Items<I> {
    items: I,
    /// How many items are made before the clock is looked at; at least 1.
    part: usize,
}

impl<I> Producer for Items<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Event = I::Item;

    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, I::Item>) -> StageResult {
        let mut missing = demand.get();
        loop {
            let part = missing.min(self.part);
            let began = Instant::now();
            let mut made = 0;
            out.extend(self.items.by_ref().take(part).inspect(|_| made += 1));
            if made < part {
                out.finish();
                return Ok(());
            }
            let slow = began.elapsed() >= SLOW;
            self.part = if slow { (part / 2).max(1) } else { self.part.max(part.saturating_mul(2)) };
            missing -= part;
            if missing == 0 {
                return Ok(());
            }
            if slow {
                out.flush();
                yield_now().await;
                if out.draining().now_or_never().is_some() {
                    return Ok(());
                }
            }
        }
    }
}

impl<I> fmt::Debug for Items<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("part", &self.part).finish_non_exhaustive()
    }
}
