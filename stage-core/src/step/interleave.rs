//! The step that takes the events of several producers in turn, by weight.

use std::collections::HashMap;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use super::queues::Queues;
use crate::stage::ProducerConsumer;

/// Takes the events of several producers in turn, in proportion to `weights`: the first for the producer declared
/// first, and so on. A weight is at least 1, also of a producer without one.
///
/// ```
/// use stage_core::pipeline;
/// # use std::sync::mpsc::Sender;
/// use stage_core::step::interleave;
///
/// pipeline! {
///     Mixed(sent: Sender<char>) {
///         start  || "aaaaaa".chars(), name: "urgent";
///         start  || "bb".chars(), name: "usual";
///         step   interleave([3, 1]);
///         finish |letter| sent.send(letter).expect("the receiver is alive"), max_demand: 8;
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sent, mixed) = std::sync::mpsc::channel();
/// Mixed::new(sent).start().await?.join().await?;
/// assert_eq!(mixed.iter().filter(|letter| *letter == 'a').count(), 6);
/// # Ok(())
/// # }
/// ```
///
/// The turns are spread evenly (smooth weighted round robin), and a producer without a waiting event gives its turn up:
/// none waits for another.
///
/// # Demand
///
/// Weights count while more events wait than are asked for. The step holds at most `max_demand` events of each producer,
/// and asks each again for as many of its events as have left.
pub fn interleave<E: Send + 'static>(
    weights: impl IntoIterator<Item = u32>,
) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Interleave::new(weights))
}

pub(super) struct Interleave<E> {
    weights: Vec<u32>,
    /// What each producer has gained and not yet paid, by its place.
    gained: HashMap<usize, i64>,
    queues: Queues<E>,
}

impl<E> Interleave<E> {
    pub(super) fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        Self { weights: weights.into_iter().collect(), gained: HashMap::new(), queues: Queues::new() }
    }

    /// Returns the index of the queue whose turn it is, among those with events. Each gains its weight; the one with the
    /// most pays the sum.
    fn next_queue(&mut self) -> Option<usize> {
        let mut first = None;
        let mut sum = 0;
        for (index, queue) in self.queues.iter().enumerate().filter(|(_, queue)| !queue.events.is_empty()) {
            let weight = self.weights.get(queue.line.place).map_or(1, |weight| i64::from(*weight).max(1));
            sum += weight;
            let gained = self.gained.entry(queue.line.place).or_default();
            *gained += weight;
            if first.is_none_or(|(_, _, most)| *gained > most) {
                first = Some((index, queue.line.place, *gained));
            }
        }
        let (index, place, _) = first?;
        *self.gained.entry(place).or_default() -= sum;
        Some(index)
    }
}

impl<E: Send + 'static> Decide for Interleave<E> {
    type In = E;
    type Out = E;

    const QUEUES: bool = true;

    fn joined(&mut self, line: Line) {
        self.gained.remove(&line.place);
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
