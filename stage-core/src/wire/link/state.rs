//! The part of a link that does not depend on its events, so that it is compiled once: its two ends, the credit
//! and the progress.

use crate::base::error::ExitReason;
use crate::base::progress::Progress;
use crate::base::stats::LinkCounters;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock};
use crate::wire::protocol::Closed;
use crate::wire::signal::Slot;
use crate::wire::subscription::{Cancellation, Subscription};

/// The producer's half has ended.
const GONE: usize = 1;
/// The producer's progress may be unread.
const PROGRESS: usize = 2;

/// The state that both halves of a link share, beside the batches.
#[derive(Debug)]
pub(crate) struct LinkState {
    /// The number of batches that found the ring full.
    pub(super) spilled: AtomicUsize,
    /// Credit that found its ring full.
    overflow: AtomicUsize,
    /// The reason the producer's half ended.
    closed: Mutex<Option<Closed>>,
    /// The producer's progress, and the number of events sent before it.
    progress: Mutex<Option<(u64, Progress)>>,
    /// The state that the producer's half publishes beside its batches: bits of [`GONE`] and [`PROGRESS`].
    notes: AtomicUsize,
    /// The reason the consumer's half ended, and whether it has.
    cancelled: Mutex<Option<Cancellation>>,
    consumer_gone: AtomicBool,
    pub(super) producer: Slot,
    pub(super) consumer: Slot,
    /// The most events per batch.
    pub(super) chunk: AtomicUsize,
    pub(super) subscription: Subscription,
    pub(super) counters: Arc<LinkCounters>,
}

/// What follows all batches.
pub(super) enum Note {
    Nothing,
    Progress(Progress),
    Closed(Closed),
}

impl LinkState {
    pub(super) fn new(producer: Slot, consumer: Slot, chunk: usize, subscription: Subscription) -> Arc<Self> {
        Arc::new(Self {
            spilled: AtomicUsize::new(0),
            overflow: AtomicUsize::new(0),
            closed: Mutex::new(None),
            progress: Mutex::new(None),
            notes: AtomicUsize::new(0),
            cancelled: Mutex::new(None),
            consumer_gone: AtomicBool::new(false),
            producer,
            consumer,
            chunk: AtomicUsize::new(chunk),
            subscription,
            counters: Arc::default(),
        })
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    pub(crate) fn counters(&self) -> &Arc<LinkCounters> {
        &self.counters
    }

    /// Sets the batch size of later messages to `chunk` events.
    pub(crate) fn set_chunk(&self, chunk: usize) {
        self.chunk.store(chunk, Ordering::Relaxed);
    }

    /// Adds to the credit that found its ring full.
    #[cold]
    pub(super) fn credit(&self, ask: usize) {
        let more = |asked: usize| Some(asked.saturating_add(ask));
        let _ = self.overflow.fetch_update(Ordering::Release, Ordering::Relaxed, more);
    }

    /// Takes the credit that found its ring full.
    #[inline]
    pub(super) fn take_credit(&self) -> usize {
        if self.overflow.load(Ordering::Relaxed) == 0 { 0 } else { self.overflow.swap(0, Ordering::Acquire) }
    }

    /// Announces `progress` behind everything that was sent; replaces one that was not received. Needs no
    /// demand.
    pub(crate) fn announce_progress(&self, progress: Progress) {
        let mut latest = lock(&self.progress);
        *latest = Some((self.counters.all_sent(), progress));
        // Under the lock, so that a consumer that reads the old value does not clear the new note.
        self.notes.fetch_or(PROGRESS, Ordering::Release);
        drop(latest);
        self.consumer.mark();
    }

    /// Takes the producer's progress if exactly the events before it were received. Called when nothing else
    /// is left to receive, so all received events are handled.
    fn take_progress(&self) -> Option<Progress> {
        let mut latest = lock(&self.progress);
        let handled = self.counters.all_handled();
        let (sent, progress) = (*latest)?;
        // Further events are on their way; their announcement follows.
        if sent > handled {
            return None;
        }
        *latest = None;
        self.notes.fetch_and(!PROGRESS, Ordering::Relaxed);
        // The producer continued after an older progress: it would be wrong that it is idle.
        (sent == handled).then_some(progress)
    }

    /// Returns the notes of the producer's half; zero if there are none.
    #[inline]
    pub(super) fn notes(&self) -> usize {
        self.notes.load(Ordering::Acquire)
    }

    /// Receives what follows all batches: the producer's progress, then its end.
    #[cold]
    pub(super) fn read(&self, notes: usize) -> Note {
        if let Some(progress) = self.take_progress() {
            return Note::Progress(progress);
        }
        if notes & GONE == 0 {
            return Note::Nothing;
        }
        Note::Closed(lock(&self.closed).clone().unwrap_or(Closed::Down(ExitReason::Aborted)))
    }

    /// Sets the reason the producer's half ends.
    pub(super) fn close(&self, closed: Closed) {
        *lock(&self.closed) = Some(closed);
    }

    /// Sets the reason of a producer's half that is dropped: without being closed, it was cut off.
    pub(super) fn cut_off(&self) {
        lock(&self.closed).get_or_insert(Closed::Down(ExitReason::Aborted));
    }

    /// Publishes the end of the producer's half; returns whether that of the consumer ended before.
    pub(super) fn end_producer(&self) -> bool {
        // Leave only once: events taken back when a closed half is dropped would not be counted.
        if self.notes.load(Ordering::Relaxed) & GONE != 0 {
            return false;
        }
        self.notes.fetch_or(GONE, Ordering::SeqCst);
        self.consumer.mark();
        self.consumer_gone.load(Ordering::SeqCst)
    }

    /// Returns how the consumer's half ended, if it has.
    #[inline]
    pub(super) fn cancellation(&self) -> Option<Cancellation> {
        if self.consumer_gone.load(Ordering::Acquire) { Some(self.read_cancellation()) } else { None }
    }

    #[cold]
    fn read_cancellation(&self) -> Cancellation {
        lock(&self.cancelled).clone().unwrap_or_else(|| Cancellation::down(ExitReason::Aborted))
    }

    /// Sets the reason the consumer's half ends.
    pub(super) fn cancel(&self, cancellation: Cancellation) {
        *lock(&self.cancelled) = Some(cancellation);
    }

    /// Returns whether the consumer's half has ended, to that half itself.
    pub(super) fn has_left(&self) -> bool {
        self.consumer_gone.load(Ordering::Relaxed)
    }

    /// Publishes the end of the consumer's half; returns whether that of the producer ended before.
    pub(super) fn end_consumer(&self) -> bool {
        self.consumer_gone.store(true, Ordering::SeqCst);
        self.producer.mark();
        self.notes.load(Ordering::SeqCst) & GONE != 0
    }
}
