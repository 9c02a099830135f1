//! One request for messages.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode};
use stage_connect::ConnectError;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::api::{self, Until};
use crate::feed::Feed;
use crate::link::{Link, PATIENCE};
use crate::message::NatsMessage;

/// How long the rest of a batch may take after the first message, before the request is ended.
const STRAGGLERS: Duration = Duration::from_millis(5);

/// The time between the heartbeats of a server that has no message. In a cluster, a request is lost with the server that
/// leads the consumer, while the connection to another server goes on.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The wait for the server's report that a request has ended. A server of version 2.9 drops a request without one if a
/// message arrives at the moment at which its time ends.
const REPORT: Duration = Duration::from_secs(1);

/// The refusal of a request that would be one too many at its consumer, in the words of the server.
const MANY: &str = "MaxWaiting";

/// A message with the reply subject that settles it, and the number of its delivery.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) message: NatsMessage,
    pub(crate) reply: String,
    pub(crate) delivered: u32,
}

/// A consumer of a stream.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerName {
    pub(crate) stream: String,
    pub(crate) consumer: String,
    pub(crate) owner: Owner,
}

/// The processes that use a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Any number of them, which create it again where it is missing.
    Shared,
    /// One, which has lost it to another one if it is deleted.
    Single,
}

/// A request for at most `at_most` messages within `wait`.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) at_most: usize,
    pub(crate) wait: Duration,
    /// The reply subject of a message that the request accepts.
    pub(crate) accepts: Option<Arc<str>>,
}

/// Asks for messages, and returns the first ones that arrive, or none after the wait; also the feed for the next request, if
/// it can be used again. If `feed` is `None`, a new one is opened.
pub(crate) async fn read(
    link: Link,
    ConsumerName { stream, consumer, owner }: ConsumerName,
    at: String,
    Ask { at_most, wait, accepts }: Ask,
    feed: Option<Feed>,
) -> Result<(Vec<Received>, Option<Feed>), ConnectError> {
    let what = "cannot read";
    let mut feed = match feed.filter(|_| at_most == 1) {
        Some(feed) => feed,
        None => Feed::open(&link, &at).await?,
    };
    // The server takes zero as no time limit.
    let expires = wait.max(Duration::from_millis(1));
    // The server refuses one that is longer than half of the request.
    let heartbeat = (expires >= 2 * HEARTBEAT).then_some(HEARTBEAT);
    let until = match owner {
        // The server refuses such a request while others wait at the consumer.
        Owner::Single if at_most > 1 => Until::NoMore,
        Owner::Single | Owner::Shared => Until::Complete,
    };
    let request = api::next(at_most, expires, until, heartbeat);
    let (subject, request) = match accepts {
        None => (format!("{}.CONSUMER.MSG.NEXT.{stream}.{consumer}", link.prefix), request.to_string()),
        Some(reply) => (reply.to_string(), format!("+NXT {request}")),
    };
    let asked = link.patiently(link.client.publish_with_reply(subject, feed.begin(), request.into())).await;
    asked
        .map_err(|error| error.at(&at, what))?
        .map_err(|error| ConnectError::gone(&at, what, error.to_string()))?;

    let mut answer = Answer::new(owner, &at);
    let mut over = pin!(sleep(expires.saturating_add(REPORT)));
    // A server whose heartbeat does not arrive is gone, or does not know the request.
    let patience = heartbeat.map_or(Duration::MAX, |heartbeat| heartbeat + PATIENCE);
    let first = loop {
        let next = tokio::select! {
            biased;
            next = timeout(patience, feed.next()) => next.ok().flatten(),
            () = link.ended() => None,
            () = &mut over => {
                is_there(&link, &stream, &consumer, &at).await?;
                end(&link, feed, &mut answer, at_most).await?;
                return Ok((answer.received, None));
            }
        };
        let next = next.ok_or_else(|| link.silence().at(&at, what))?;
        if next.status != Some(StatusCode::IDLE_HEARTBEAT) {
            break next;
        }
    };
    answer.take(first)?;
    let latest = Instant::now() + REPORT;
    loop {
        // A message on its way is lost if a request ends here on a connection with other traffic: the client listens no
        // longer than for its next turn. The only reader of a consumer would see the messages behind it first.
        let deadline = match (answer.end, until) {
            (Some(_), _) if answer.lacks_messages(at_most) => latest,
            (None, Until::NoMore) if answer.arrived < at_most => latest,
            (None, Until::Complete) if answer.arrived < at_most && pending(&answer.received) > 0 => {
                Instant::now() + STRAGGLERS
            }
            _ => break,
        };
        let Ok(Some(next)) = timeout_at(deadline, feed.next()).await else { break };
        answer.take(next)?;
    }
    if answer.end.is_none() && answer.arrived < at_most {
        end(&link, feed, &mut answer, at_most).await?;
        return Ok((answer.received, None));
    }
    // Messages that may still be on their way would be taken for the answer to the next request.
    let is_over = owner == Owner::Single && at_most == 1 && !answer.lacks_messages(at_most);
    Ok((answer.received, Some(feed).filter(|_| is_over)))
}

/// Makes sure that the server still answers, and has the consumer. Messages that it sent before its answer have arrived.
async fn is_there(link: &Link, stream: &str, consumer: &str, at: &str) -> Result<(), ConnectError> {
    let what = "cannot read";
    let info = link.consumer_info(stream, consumer).await;
    info.map_err(|error| error.at(at, what))?.map(drop).map_err(|error| error.at(at, what))
}

/// Ends a request that is not complete; messages on their way are received.
async fn end(
    link: &Link,
    mut feed: Feed,
    answer: &mut Answer<'_>,
    at_most: usize,
) -> Result<(), ConnectError> {
    if feed.drain().await.is_err() {
        return Ok(());
    }
    while answer.end.is_none() || answer.lacks_messages(at_most) {
        // A message that does not arrive is delivered again after its lease.
        let Ok(Some(next)) = link.patiently(feed.next()).await else { return Ok(()) };
        answer.take(next)?;
    }
    Ok(())
}

/// The answer to a request, as far as it has arrived.
struct Answer<'a> {
    owner: Owner,
    at: &'a str,
    received: Vec<Received>,
    /// The number of messages that have arrived, with those that the server sent twice.
    arrived: usize,
    /// The server's report that the request has ended.
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    /// The number of messages that were asked for and not sent, if the server states it.
    unsent: Option<usize>,
}

impl<'a> Answer<'a> {
    fn new(owner: Owner, at: &'a str) -> Self {
        Self { owner, at, received: Vec::new(), arrived: 0, end: None }
    }

    /// Returns whether messages are on their way behind the report. Servers from 2.11.2 to 2.11.4 send it before the
    /// messages of a consumer with replicas, which wait for a majority.
    fn lacks_messages(&self, at_most: usize) -> bool {
        self.end.and_then(|end| end.unsent).is_some_and(|unsent| self.arrived + unsent < at_most)
    }

    /// Adds a message, or the report of the end of the request.
    fn take(&mut self, message: Message) -> Result<(), ConnectError> {
        let at = self.at;
        let Some(status) = message.status else {
            self.arrived += 1;
            let received = &self.received;
            let next = parse(message).filter(|next| !is_repeated(next, received));
            self.received.extend(next);
            return Ok(());
        };
        let unsent = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
        let end = End { unsent: unsent.and_then(|unsent| unsent.as_str().parse().ok()) };
        let text = message.description.unwrap_or_default();
        match status.as_u16() {
            // The server asks whether the client is alive.
            100 => return Ok(()),
            // No messages; the request ran out of time.
            404 | 408 => self.end = Some(end),
            409 if text.contains("Exceeded") && !text.contains(MANY) => {
                return Err(ConnectError::fatal(
                    at,
                    format_args!("the consumer refuses the request: {text}"),
                    "raise its limits",
                ));
            }
            // The messages that were received are returned first; the next request reports the state again.
            _ if !self.received.is_empty() => self.end = Some(End { unsent: None }),
            // The server takes the request once another one has ended.
            409 if text.contains(MANY) => {
                let why = format!(
                    "{text}: as many other requests wait as the consumer allows; run fewer readers, or raise its max_waiting"
                );
                return Err(ConnectError::gone(at, "cannot read", why));
            }
            409 if self.owner == Owner::Single && text.contains("Consumer Deleted") => {
                let why = "another process owns the partition: the consumer was deleted";
                return Err(ConnectError::fenced(at, why));
            }
            503 => {
                let why = "JetStream does not answer, or the consumer is deleted";
                return Err(ConnectError::gone(at, "cannot read", why));
            }
            code => return Err(ConnectError::gone(at, "cannot read", format!("{text} ({code})"))),
        }
        Ok(())
    }
}

/// Returns whether the server delivers a message that it has just delivered again as if it was new: 2.9 does so when an
/// earlier request ended as it answered it. Either receipt settles the message.
fn is_repeated(next: &Received, received: &[Received]) -> bool {
    let is_same = |earlier: &Received| earlier.message.sequence == next.message.sequence;
    next.delivered == 1 && received.iter().filter(|earlier| earlier.delivered > 1).any(is_same)
}

/// The number of messages that the consumer could deliver when it delivered the last one.
fn pending(received: &[Received]) -> u64 {
    received.last().and_then(|last| last.reply.split('.').nth(tokens(&last.reply).pending)).map_or(0, number)
}

/// The places of numbers in a reply subject: `$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.…`, or with the domain and the
/// account in front of the stream.
struct Tokens {
    delivered: usize,
    sequence: usize,
    pending: usize,
}

fn tokens(reply: &str) -> Tokens {
    let shift = if reply.split('.').count() > 9 { 2 } else { 0 };
    Tokens { delivered: 4 + shift, sequence: 5 + shift, pending: 8 + shift }
}

fn number<T: std::str::FromStr + Default>(text: &str) -> T {
    text.parse().unwrap_or_default()
}

fn parse(message: Message) -> Option<Received> {
    let reply = message.reply?.to_string();
    let at = tokens(&reply);
    let mut parts = reply.split('.').skip(at.delivered);
    let delivered = number(parts.next()?);
    let sequence = number(parts.nth(at.sequence - at.delivered - 1)?);
    let message = NatsMessage {
        subject: message.subject.to_string(),
        headers: message.headers.unwrap_or_default(),
        payload: message.payload,
        sequence,
    };
    Some(Received { message, reply, delivered })
}

#[cfg(test)]
mod tests {
    use stage_connect::ErrorKind;

    use super::*;

    #[test]
    fn a_message_that_was_delivered_again_is_not_new() {
        let received = |delivered, sequence| Received {
            message: NatsMessage {
                subject: String::new(),
                headers: async_nats::HeaderMap::new(),
                payload: "x".into(),
                sequence,
            },
            reply: String::new(),
            delivered,
        };
        let batch = [received(2, 227), received(2, 228), received(1, 229)];
        assert!(is_repeated(&received(1, 228), &batch));
        assert!(!is_repeated(&received(3, 228), &batch) && !is_repeated(&received(1, 230), &batch));
    }

    fn sent(reply: Option<&str>, status: Option<StatusCode>, unsent: Option<&str>) -> Message {
        let headers = unsent.map(|unsent| {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Pending-Messages", unsent);
            headers
        });
        Message {
            subject: "orders".into(),
            reply: reply.map(Into::into),
            payload: "x".into(),
            headers,
            status,
            description: None,
            length: 1,
        }
    }

    #[test]
    fn messages_behind_the_report_of_the_end_are_waited_for() {
        let mut answer = Answer::new(Owner::Single, "orders");
        answer.take(sent(None, Some(StatusCode::TIMEOUT), Some("6"))).unwrap();
        for number in 100..102 {
            assert!(answer.lacks_messages(8), "two of eight messages were sent");
            let reply = format!("$JS.ACK.S.C.1.{number}.7.1790230470084404000.0");
            answer.take(sent(Some(&reply), None, None)).unwrap();
        }
        assert!(!answer.lacks_messages(8));
        assert_eq!(answer.received.len(), 2);

        let mut untold = Answer::new(Owner::Single, "orders");
        untold.take(sent(None, Some(StatusCode::NOT_FOUND), None)).unwrap();
        assert!(untold.end.is_some() && !untold.lacks_messages(8));
    }

    #[test]
    fn a_limit_that_passes_is_waited_for_and_one_of_the_consumer_is_fatal() {
        let refusals = [
            ("Exceeded MaxWaiting", ErrorKind::Gone, "raise its max_waiting"),
            ("Exceeded MaxRequestBatch of 10", ErrorKind::Fatal, "raise its limits"),
            ("Exceeded MaxRequestExpires of 1s", ErrorKind::Fatal, "raise its limits"),
        ];
        for (description, kind, remedy) in refusals {
            let conflict = StatusCode::from_u16(409).unwrap();
            let refusal =
                Message { description: Some(description.to_owned()), ..sent(None, Some(conflict), None) };
            let error = Answer::new(Owner::Shared, "orders").take(refusal).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let line = error.to_string();
            assert!(line.contains(description) && line.ends_with(remedy), "{line}");
        }
    }

    #[test]
    fn both_forms_of_a_reply_subject_are_read() {
        for reply in ["$JS.ACK.S.C.3.100.7.1790230470084404000.42", "$JS.ACK._.hash.S.C.3.100.7.179.42"] {
            let received = parse(sent(Some(reply), None, None)).unwrap();
            assert_eq!((received.delivered, received.message.sequence), (3, 100));
            assert_eq!(pending(&[received]), 42);
        }
    }
}
