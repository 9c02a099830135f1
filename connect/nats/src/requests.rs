//! The requests of a reader, one at a time.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;

use stage_connect::{ConnectError, Disposition, Settle};
use tokio::runtime::Handle;

use crate::feed::Feed;
use crate::link::Link;
use crate::options::ReadOptions;
use crate::read::{Ask, ConsumerName, Owner, Received, read};

type Answer = Result<(Vec<Received>, Option<Feed>), ConnectError>;
type Reading = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The connection of a reader, and the messages that it asked for and has not returned.
#[derive(Default)]
pub(crate) struct Requests {
    link: Option<Link>,
    /// The request that the last call began and did not finish.
    reading: Option<Reading>,
    /// The inbox of the last request, if the next one may use it.
    feed: Option<Feed>,
    ready: VecDeque<Received>,
}

/// A request for messages of a consumer.
pub(crate) struct Request<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) owner: Owner,
    pub(crate) ask: Ask,
}

impl Requests {
    /// Gives up the connection and the request on it.
    pub(crate) fn disconnect(&mut self) {
        (self.link, self.reading, self.feed) = (None, None, None);
    }

    pub(crate) fn connected(&mut self, link: Link) {
        self.link = Some(link);
    }

    #[cfg(feature = "edge")]
    pub(crate) const fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Forgets the messages that the server delivers again.
    #[cfg(feature = "edge")]
    pub(crate) fn clear(&mut self) {
        self.ready.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Returns whether the next request can be sent: there is a connection, and no earlier request waits for its answer.
    #[cfg(feature = "edge")]
    pub(crate) const fn is_free(&self) -> bool {
        self.link.is_some() && self.reading.is_none()
    }

    /// Returns the next message.
    #[cfg(feature = "edge")]
    pub(crate) fn first(&self) -> Option<&Received> {
        self.ready.front()
    }

    /// Sends the request, or waits for the answer to an earlier one; `at` names the reader in errors. Cancel safe.
    pub(crate) async fn read(
        &mut self,
        request: Request<'_>,
        at: impl FnOnce() -> String,
    ) -> Result<(), ConnectError> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => {
                let Request { options, owner, ask } = request;
                let Some(link) = self.link.clone() else {
                    return Err(ConnectError::gone(at(), "cannot read", "not connected"));
                };
                let (stream, consumer) = (options.stream.clone(), options.consumer.clone());
                let consumer = ConsumerName { stream, consumer, owner };
                none.insert(Box::pin(read(link, consumer, at(), ask, self.feed.take())))
            }
        };
        let answer = reading.await;
        self.reading = None;
        let (received, feed) = answer?;
        self.feed = feed;
        self.ready.extend(received);
        Ok(())
    }

    /// Takes the next messages, at most `at_most`.
    pub(crate) fn take(&mut self, at_most: NonZeroUsize) -> impl Iterator<Item = Received> {
        let count = self.ready.len().min(at_most.get());
        self.ready.drain(..count)
    }

    /// Releases the messages that were not returned, in a task of their own: for a reader that is dropped.
    pub(crate) fn release<S: Settle>(
        &mut self,
        mut settle: S,
        receipt: impl Fn(Received) -> S::Receipt + Send + 'static,
    ) {
        let (reading, mut open) = (self.reading.take(), std::mem::take(&mut self.ready));
        if reading.is_none() && open.is_empty() {
            return;
        }
        // Without a runtime, the messages wait for the end of their leases.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Some(reading) = reading
                && let Ok((received, _)) = reading.await
            {
                open.extend(received);
            }
            let released: Vec<_> =
                open.into_iter().map(|received| (receipt(received), Disposition::Release)).collect();
            if let Err(error) = settle.settle(&released).await {
                tracing::warn!(%error, "messages wait for the end of their leases");
            }
        });
    }
}
