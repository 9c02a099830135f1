//! The step that merges sorted inputs into a sorted one.

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use super::queues::Queues;
use crate::stage::ProducerConsumer;

/// Merges the events of several producers, each sorted by `key`, so that its output is sorted by `key` as well. Of
/// equal keys, the producer declared first goes first.
///
/// ```
/// use stage_core::pipeline;
/// # use std::sync::mpsc::Sender;
/// use stage_core::step::merge_sorted;
///
/// pipeline! {
///     Both(sent: Sender<u32>) {
///         start  || [1, 4, 6], name: "first";
///         start  || [2, 3, 9], name: "second";
///         step   merge_sorted(|number: &u32| *number);
///         finish |number| sent.send(number).expect("the receiver is alive");
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sent, merged) = std::sync::mpsc::channel();
/// Both::new(sent).start().await?.join().await?;
/// assert_eq!(merged.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 6, 9]);
/// # Ok(())
/// # }
/// ```
///
/// Each copy of a step in front of it is a producer of its own.
///
/// # Demand
///
/// An event leaves once every producer that has not ended has one waiting, so a silent producer holds the others up. The
/// step holds at most `max_demand` events of each producer, and asks each again for as many of its events as have left.
///
/// # Restart and end
///
/// While a producer restarts, the others go on; if it starts from the beginning, the output is not sorted at that
/// point. A step that ends with the first of its producers (`cancel: permanent`) discards the events that wait for
/// others, or gives their deliveries back untried.
///
/// In an acknowledged pipeline, `key` gets the delivery and reads it by [`peek`](crate::ack::Delivery::peek).
pub fn merge_sorted<E, K, F>(key: F) -> impl ProducerConsumer<In = E, Out = E>
where
    E: Send + 'static,
    K: Ord,
    F: FnMut(&E) -> K + Send + 'static,
{
    Deciding::new(MergeSorted { key, queues: Queues::new() })
}

pub(super) struct MergeSorted<E, F> {
    pub(super) key: F,
    pub(super) queues: Queues<E>,
}

impl<E, F> MergeSorted<E, F> {
    /// Returns the index of the queue whose event goes next, unless one that is open is empty.
    fn next_queue<K: Ord>(&mut self) -> Option<usize>
    where
        F: FnMut(&E) -> K,
    {
        let mut least = None;
        for (index, queue) in self.queues.iter().enumerate() {
            let key = (self.key)(queue.events.front()?);
            if least.as_ref().is_none_or(|(_, other)| key < *other) {
                least = Some((index, key));
            }
        }
        least.map(|(index, _)| index)
    }
}

impl<E, K, F> Decide for MergeSorted<E, F>
where
    E: Send + 'static,
    K: Ord,
    F: FnMut(&E) -> K + Send + 'static,
{
    type In = E;
    type Out = E;

    const QUEUES: bool = true;
    const WAITS: bool = true;

    fn joined(&mut self, line: Line) {
        self.queues.open(line);
    }

    fn left(&mut self, line: Line, _ended: bool, _out: &mut Output<Self>) {
        self.queues.close(line);
    }

    fn take(&mut self, event: E, line: Line, _now: Instant, _out: &mut Output<Self>) {
        self.queues.push(line, event);
    }

    fn serve(&mut self, _now: Instant, room: usize, out: &mut Output<Self>) {
        out.emit_from(room, || self.next_queue().and_then(|index| self.queues.pop(index)));
    }

    fn held(&self) -> usize {
        self.queues.len()
    }
}
