//! Finds the partition of each event, by a function that takes the event or looks at it.

use std::vec::Drain;

use super::dispatcher::PartitionDispatcher;
use super::sorter::Sorter;
use crate::base::error::ExitReason;
use crate::base::partition_name::PartitionName;
use crate::dispatch::{DispatchWarning, Outbox, Partitions};

/// Is called with each panic of a route.
pub(super) type ToldOfPanics = Box<dyn FnMut(&ExitReason) + Send>;

/// Groups the events of a batch by partition.
pub trait Route<E>: Send {
    /// Groups events. A panic in the function ends the call; [`skip`](Self::skip) then removes its event.
    #[doc(hidden)]
    fn sort(
        &mut self,
        names: &Partitions,
        events: &mut Drain<'_, E>,
        sorter: &mut Sorter<E>,
        outbox: &mut Outbox<E>,
    );

    /// Removes the event for which the function has panicked, if it is still among `events`.
    #[doc(hidden)]
    fn skip(events: &mut Drain<'_, E>);
}

/// Takes each event and returns it, possibly rewritten.
impl<E, F, P> Route<E> for F
where
    F: FnMut(E) -> Option<(E, P)> + Send,
    P: Into<PartitionName>,
{
    fn sort(
        &mut self,
        names: &Partitions,
        events: &mut Drain<'_, E>,
        sorter: &mut Sorter<E>,
        outbox: &mut Outbox<E>,
    ) {
        for event in events {
            let Some((event, name)) = self(event) else { continue };
            let name = name.into();
            match names.find(&name) {
                Some(place) => sorter.put(place, event, outbox),
                None => unknown(name, outbox),
            }
        }
    }

    fn skip(_events: &mut Drain<'_, E>) {}
}

impl<E, F> PartitionDispatcher<E, F> {
    /// Calls `told` with each panic of the function, besides the [warning](DispatchWarning::Unroutable). The function
    /// need not catch its own panics then: one guard serves a whole batch. A panic of `told` ends the stage.
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use stage_core::dispatch::{DispatchOptions, PartitionDispatcher, SubscriptionKey};
    /// use stage_core::testing::Supply;
    ///
    /// let (panics, seen) = mpsc::channel();
    /// let number = |event: &usize| Some(7 % event);
    /// let dispatcher = PartitionDispatcher::numbered(1, number)?.on_panic(move |why| {
    ///     panics.send(why.to_string()).unwrap_or_default();
    /// });
    /// let (mut supply, only) = (Supply::new(dispatcher), SubscriptionKey::new(0));
    /// supply.subscribe(only, DispatchOptions::new().partition(0))?;
    /// supply.ask(only, 10);
    /// supply.emit([0, 7]);
    /// assert_eq!(supply.sent(), [(only, vec![7])]);
    /// assert!(seen.try_recv()?.contains("divisor of zero"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn on_panic(mut self, told: impl FnMut(&ExitReason) + Send + 'static) -> Self {
        self.on_panic = Some(Box::new(told));
        self
    }
}

/// Looks at each event and returns the number of its partition.
pub struct Numbered<F>(pub(super) F);

impl<F> std::fmt::Debug for Numbered<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Numbered").finish_non_exhaustive()
    }
}

impl<E, F: FnMut(&E) -> Option<usize> + Send> Route<E> for Numbered<F> {
    fn sort(
        &mut self,
        _names: &Partitions,
        events: &mut Drain<'_, E>,
        sorter: &mut Sorter<E>,
        outbox: &mut Outbox<E>,
    ) {
        // An event stays where it is until its partition is known: it is moved once.
        while let Some(event) = events.as_slice().first() {
            let Some(place) = (self.0)(event) else {
                events.next();
                continue;
            };
            if !sorter.put_next(place, events, outbox) {
                events.next();
                unknown(place.into(), outbox);
            }
        }
    }

    fn skip(events: &mut Drain<'_, E>) {
        events.next();
    }
}

/// Discards an event that was routed to an unknown partition.
#[cold]
fn unknown<E>(name: PartitionName, outbox: &mut Outbox<E>) {
    outbox.discard(1);
    outbox.warn(DispatchWarning::UnknownPartition { partition: name, events: 1 });
}
