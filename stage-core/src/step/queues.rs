//! The events of several producers that wait for each other.

use std::collections::VecDeque;

use super::lines::Line;

/// A queue of events for each producer, in the order of their places.
#[derive(Debug)]
pub(super) struct Queues<E> {
    queues: Vec<Queue<E>>,
}

#[derive(Debug)]
pub(super) struct Queue<E> {
    pub(super) line: Line,
    pub(super) events: VecDeque<E>,
    /// Whether its producer may still send events.
    open: bool,
}

impl<E> Queues<E> {
    pub(super) const fn new() -> Self {
        Self { queues: Vec::new() }
    }

    pub(super) fn open(&mut self, line: Line) {
        let place = self.queues.partition_point(|queue| queue.line.place <= line.place);
        self.queues.insert(place, Queue { line, events: VecDeque::new(), open: true });
    }

    /// Closes the queue of a producer that ended. It goes when it is empty.
    pub(super) fn close(&mut self, line: Line) {
        for queue in self.queues.iter_mut().filter(|queue| queue.line == line) {
            queue.open = false;
        }
        self.queues.retain(|queue| queue.open || !queue.events.is_empty());
    }

    pub(super) fn push(&mut self, line: Line, event: E) {
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.line == line) {
            queue.events.push_back(event);
        }
    }

    /// Takes the next event of the queue at this index.
    pub(super) fn pop(&mut self, index: usize) -> Option<(Line, E)> {
        let queue = self.queues.get_mut(index)?;
        let (line, event) = (queue.line, queue.events.pop_front()?);
        if !queue.open && queue.events.is_empty() {
            self.queues.remove(index);
        }
        Some((line, event))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Queue<E>> {
        self.queues.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(|queue| queue.events.len()).sum()
    }
}
