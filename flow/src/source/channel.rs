//! Channels as a source: events sent while the flow runs, received by a single run.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use stage_core::BoxError;
use tokio::sync::mpsc;

use super::part::{Each, read_each};
use super::{More, NoStamp, Part, Source, Taker};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;
use crate::sync::lock;

/// The error of a run whose events have been taken by an earlier run; such a source cannot be read twice.
#[derive(Clone, Copy, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[error("the channel was used by an earlier run of this flow; create a new channel for each run")]
pub struct Taken;

/// A part that only one run can have.
pub struct Once<P> {
    part: Arc<Mutex<Option<P>>>,
}

impl<P> Once<P> {
    pub(super) fn new(part: P) -> Self {
        Self { part: Arc::new(Mutex::new(Some(part))) }
    }
}

impl<P> Clone for Once<P> {
    fn clone(&self) -> Self {
        Self { part: Arc::clone(&self.part) }
    }
}

impl<P> fmt::Debug for Once<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl<P: Part> Source for Once<P> {
    type Item = P::Item;
    type Part = P;

    fn parts(&self, _most: usize) -> Result<Vec<P>, BoxError> {
        let part = lock(&self.part).take();
        Ok(vec![part.ok_or(Taken)?])
    }

    fn count(&self) -> usize {
        1
    }

    fn name(&self) -> String {
        "channel".to_owned()
    }

    fn repeats(&self) -> bool {
        false
    }
}

/// The remaining events of a tokio channel.
#[derive(Debug)]
pub struct ChannelPart<T> {
    receiver: mpsc::Receiver<T>,
    waker: Waker,
}

impl<T: Send + 'static> Part for ChannelPart<T> {
    type Item = T;

    fn wake_by(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<T>) -> Result<More, BoxError> {
        let mut cx = Context::from_waker(&self.waker);
        read_each(most, taker, || {
            Ok(match self.receiver.poll_recv(&mut cx) {
                Poll::Ready(Some(item)) => Continue(item),
                Poll::Ready(None) => Break(More::No),
                Poll::Pending => Break(More::Later),
            })
        })
    }
}

/// A flow of a source that only one run can take.
pub type OnceFlow<P> = Flow<Start<Sourced<Once<P>, NoStamp>>>;

impl<T: Send + 'static> OnceFlow<ChannelPart<T>> {
    /// Creates a flow of the events sent into a tokio channel, until all senders are dropped. Events are
    /// received only on demand, so a bounded channel applies backpressure to its senders.
    ///
    /// The first run takes the channel and closes it when the run ends for whatever reason: events still in
    /// the channel are lost.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = tokio::sync::mpsc::channel(8);
    /// let flow = Flow::from_channel(receiver).map(|number: u64| number + 1);
    /// let sending = tokio::spawn(async move {
    ///     for number in 0..100 {
    ///         let _ = sender.send(number).await;
    ///     }
    /// });
    /// assert_eq!(flow.count().await?, 100);
    /// sending.await?;
    /// assert!(flow.count().await.unwrap_err().to_string().contains("used by an earlier run"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every run but the first fails with [`Taken`].
    pub fn from_channel(receiver: mpsc::Receiver<T>) -> Self {
        let part = ChannelPart { receiver, waker: Waker::noop().clone() };
        Self::at(Sourced { source: Once::new(part), stamper: NoStamp })
    }
}
