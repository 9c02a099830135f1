//! Crossbeam channels as a source: for events from threads without a runtime.

use std::convert::Infallible;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};
use stage_core::BoxError;
use tokio::task::spawn_blocking;

use super::channel::{Once, OnceFlow};
use super::part::{Each, read_each};
use super::{More, NoStamp, Part, Taker};
use crate::plan::Sourced;

/// The remaining events of a crossbeam channel.
#[derive(Debug)]
pub struct CrossbeamPart<T> {
    receiver: Receiver<T>,
    waker: Waker,
    /// Whether a thread waits for the channel.
    watched: Arc<AtomicBool>,
    /// Dropping it ends that wait.
    watch: Option<Sender<Infallible>>,
}

impl<T: Send + 'static> CrossbeamPart<T> {
    /// Makes a blocking thread of the runtime wait until an event is available; the thread receives nothing.
    fn watch(&mut self) {
        if self.watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let (watch, dropped) = bounded(0);
        self.watch = Some(watch);
        let (receiver, waker, watched) =
            (self.receiver.clone(), self.waker.clone(), Arc::clone(&self.watched));
        spawn_blocking(move || {
            let mut select = Select::new();
            select.recv(&receiver);
            select.recv(&dropped);
            select.ready();
            watched.store(false, Ordering::Release);
            waker.wake();
        });
    }
}

impl<T: Send + 'static> Part for CrossbeamPart<T> {
    type Item = T;

    fn wake_by(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<T>) -> Result<More, BoxError> {
        read_each(most, taker, || {
            Ok(match self.receiver.try_recv() {
                Ok(item) => Continue(item),
                Err(TryRecvError::Disconnected) => Break(More::No),
                Err(TryRecvError::Empty) => {
                    self.watch();
                    Break(More::Later)
                }
            })
        })
    }
}

impl<T: Send + 'static> OnceFlow<CrossbeamPart<T>> {
    /// Creates a flow of the events sent into a crossbeam channel, until all senders are dropped. Events are
    /// received only on demand, so a bounded channel applies backpressure to its senders; while the channel
    /// is empty, a blocking thread waits. The first run takes the receiver. Requires feature `crossbeam`.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = crossbeam_channel::bounded(8);
    /// let thread = std::thread::spawn(move || (0..100_u64).try_for_each(|number| sender.send(number)));
    /// assert_eq!(Flow::from_crossbeam(receiver).fold(0, |sum, number| sum + number).await?, 4950);
    /// thread.join().expect("no panic")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every run but the first fails with [`Taken`](super::Taken).
    pub fn from_crossbeam(receiver: Receiver<T>) -> Self {
        let part = CrossbeamPart {
            receiver,
            waker: Waker::noop().clone(),
            watched: Arc::new(AtomicBool::new(false)),
            watch: None,
        };
        Self::at(Sourced { source: Once::new(part), stamper: NoStamp })
    }
}
