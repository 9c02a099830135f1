//! The frames of a partition, as its consumer sends them to the one reader that it has.
//!
//! 1. Requests follow each other in one inbox, so no frame arrives at an inbox that was given up.
//! 2. The consumer numbers its deliveries. If a number is missing, a frame was lost on its way; if a place in the stream comes
//!    again behind a later one, the time of a frame has run out. Either way nothing is returned any more until the reader
//!    connects again, which it does when it has nothing in hand.

use std::time::Duration;

use async_nats::{StatusCode, Subscriber};
use futures_util::{FutureExt, StreamExt};
use stage_connect::ConnectError;
use tokio::time::{Instant, sleep_until};

use crate::api;
use crate::link::{Link, PATIENCE};
use crate::options::ReadOptions;
use crate::read::{Answer, HEARTBEAT, Owner, REPORT, Received, is_there};

/// The frames of one request. The consumer has no more of them in flight than its owner may have in hand, so a request is
/// rarely sent.
const BATCH: usize = 256;
/// The time after which the server ends a request.
const EXPIRES: Duration = Duration::from_secs(30);

/// The last delivery that arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    /// Its number among the deliveries of the consumer.
    number: u64,
    /// The place of its frame in the stream.
    position: u64,
}

/// The open request of a partition's reader.
pub(super) struct Feed {
    link: Link,
    at: String,
    stream: String,
    consumer: String,
    /// Whether a frame may be delivered again while it is in hand: with one in flight, it is behind no other.
    one_in_flight: bool,
    inbox: String,
    messages: Subscriber,
    /// The number of frames that the server may still send.
    open: usize,
    /// The moment at which the server has ended the request, also without a report.
    over: Instant,
    /// The last time at which the server was heard.
    heard: Instant,
    last: Last,
    /// The error that follows the frames that were returned.
    failed: Option<ConnectError>,
}

impl Feed {
    /// Subscribes to a new inbox. The next delivery of the consumer follows `last`.
    pub(super) async fn open(
        link: Link,
        options: &ReadOptions,
        at: String,
        last: Last,
    ) -> Result<Self, ConnectError> {
        let inbox = link.client.new_inbox();
        let subscribed = link.patiently(link.client.subscribe(inbox.clone())).await;
        let messages = subscribed
            .map_err(|error| error.at(&at, "cannot read"))?
            .map_err(|error| ConnectError::gone(&at, "cannot read", error.to_string()))?;
        let (stream, consumer) = (options.stream.clone(), options.consumer.clone());
        let now = Instant::now();
        let one_in_flight = options.open_at_most == 1;
        let (open, over, heard, failed) = (0, now, now, None);
        Ok(Self {
            link,
            at,
            stream,
            consumer,
            one_in_flight,
            inbox,
            messages,
            open,
            over,
            heard,
            last,
            failed,
        })
    }

    /// Returns the last delivery that arrived.
    pub(super) const fn last(&self) -> Last {
        self.last
    }

    /// Returns the next frames, at most `at_most`, or none at `until`. Cancel safe.
    pub(super) async fn next(
        &mut self,
        at_most: usize,
        until: Option<Instant>,
    ) -> Result<Vec<Received>, ConnectError> {
        loop {
            let received = self.arrived(at_most)?;
            if !received.is_empty() {
                return Ok(received);
            }
            if self.open == 0 {
                self.ask().await?;
            }
            let silent = self.heard + HEARTBEAT + PATIENCE;
            let wake = silent.min(self.over);
            let next = tokio::select! {
                biased;
                next = self.messages.next() => next,
                () = self.link.ended() => None,
                () = sleep_until(until.map_or(wake, |until| until.min(wake))) => {
                    let now = Instant::now();
                    if now < wake {
                        return Ok(Vec::new());
                    }
                    if now < silent {
                        is_there(&self.link, &self.stream, &self.consumer, &self.at).await?;
                        self.open = 0;
                        continue;
                    }
                    None
                }
            };
            let Some(next) = next else { return Err(self.link.silence().at(&self.at, "cannot read")) };
            if let Some(received) = self.take(next)? {
                let mut all = vec![received];
                all.extend(self.arrived_behind(at_most - 1));
                return Ok(all);
            }
        }
    }

    /// Returns frames that have arrived already.
    fn arrived(&mut self, at_most: usize) -> Result<Vec<Received>, ConnectError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let arrived = self.arrived_behind(at_most);
        match self.failed.take_if(|_| arrived.is_empty()) {
            Some(error) => Err(error),
            None => Ok(arrived),
        }
    }

    /// Same, behind others. An error is kept for the next call.
    fn arrived_behind(&mut self, at_most: usize) -> Vec<Received> {
        let mut arrived = Vec::new();
        while arrived.len() < at_most && self.failed.is_none() {
            let Some(Some(next)) = self.messages.next().now_or_never() else { break };
            match self.take(next) {
                Ok(received) => arrived.extend(received),
                Err(error) => self.failed = Some(error),
            }
        }
        arrived
    }

    /// Takes a message of the server: a frame, a heartbeat, or the report that a request has ended.
    fn take(&mut self, message: async_nats::Message) -> Result<Option<Received>, ConnectError> {
        self.heard = Instant::now();
        if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
            return Ok(None);
        }
        let mut answer = Answer::new(Owner::Single, &self.at);
        answer.take(message)?;
        if answer.has_ended() {
            self.open = 0;
        }
        let Some(received) = answer.received.pop() else { return Ok(None) };
        self.open = self.open.saturating_sub(1);
        self.check(&received)?;
        Ok(Some(received))
    }

    /// Checks that a frame follows the one before it.
    fn check(&mut self, received: &Received) -> Result<(), ConnectError> {
        let this = Last { number: received.number, position: received.message.sequence };
        let follows =
            this.position > self.last.position || this.position == self.last.position && self.one_in_flight;
        if this.number != self.last.number + 1 {
            let cause = format!("delivery {} follows {}", this.number, self.last.number);
            return Err(ConnectError::gone(&self.at, "a frame was lost on its way", cause));
        }
        if !follows {
            let cause = format!("place {} follows {}", this.position, self.last.position);
            return Err(ConnectError::gone(&self.at, "a frame is delivered again", cause));
        }
        self.last = this;
        Ok(())
    }

    /// Asks for further frames.
    async fn ask(&mut self) -> Result<(), ConnectError> {
        let what = "cannot read";
        let subject = format!("{}.CONSUMER.MSG.NEXT.{}.{}", self.link.prefix, self.stream, self.consumer);
        let request = api::next(BATCH, EXPIRES, Some(HEARTBEAT)).to_string();
        let sent = self.link.client.publish_with_reply(subject, self.inbox.clone(), request.into());
        self.link
            .patiently(sent)
            .await
            .map_err(|error| error.at(&self.at, what))?
            .map_err(|error| ConnectError::gone(&self.at, what, error.to_string()))?;
        self.heard = Instant::now();
        (self.open, self.over) = (BATCH, self.heard + EXPIRES + REPORT);
        Ok(())
    }
}
