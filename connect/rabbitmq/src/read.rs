//! One run of a consumer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use stage_connect::ConnectError;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::failed;
use crate::message::short;
use crate::session::{PATIENCE, Session, ask};

/// How long a batch waits for its next message.
const NEXT: Duration = Duration::from_millis(5);

/// How long its first message waits for the others.
const REST: Duration = Duration::from_millis(50);

/// The largest prefetch of the protocol.
const MOST: u16 = u16::MAX;

/// Consumes at most `at_most` messages: the first ones that arrive, or none after a `stop`.
///
/// The prefetch of a consumer is the number that it still may deliver, and nothing is acknowledged while it runs. So the
/// server delivers no more than that, on every kind of queue; one limit per channel would be simpler, but quorum queues
/// do not know it.
pub(crate) async fn read(
    session: Arc<Session>,
    queue: String,
    at: String,
    at_most: usize,
    stop: Arc<Notify>,
) -> Result<Vec<Delivery>, ConnectError> {
    let what = "cannot consume";
    let channel = &session.channel;
    let prefetch = u16::try_from(at_most).unwrap_or(MOST);
    let limit = channel.basic_qos(prefetch, BasicQosOptions::default());
    let consume = channel.basic_consume(
        short(&queue),
        short(""),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    // The limit is sent first, and one round trip answers both.
    let both = async { tokio::try_join!(biased; limit, consume) };
    let ((), mut consumer) = ask(&at, what, both).await?;
    let mut received = Vec::new();
    let first = tokio::select! {
        first = consumer.next() => Some(first),
        () = stop.notified() => None,
    };
    let ended = || ConnectError::gone(&at, what, "the server has ended the consumer");
    if let Some(first) = first {
        received.push(first.ok_or_else(ended)?.map_err(|error| failed(&at, what, &error))?);
        let most = usize::from(prefetch) - received.len();
        if !follow(&mut consumer, most, |delivery| received.push(delivery)).await {
            // An error, or the end of the consumer, is met again by the next call.
            return Ok(received);
        }
    }
    // A consumer that has delivered its limit is silent until something is settled, which is sent after its end.
    let nowait = received.len() == usize::from(prefetch);
    let cancel = channel.basic_cancel(consumer.tag(), BasicCancelOptions { nowait });
    // Without its end, the consumer would go on and keep what it is sent. The end of the connection releases all of it.
    ask(&at, "cannot end the consumer", cancel).await?;
    // Messages on their way arrive before the server confirms the end, or go back to their queue.
    while let Ok(Some(Ok(delivery))) = timeout(PATIENCE, consumer.next()).await {
        received.push(delivery);
    }
    Ok(received)
}

/// Takes at most `most` messages that follow the first one, while they are not late; returns false if no more can come.
async fn follow<T>(
    messages: &mut (impl Stream<Item = lapin::Result<T>> + Unpin),
    most: usize,
    mut take: impl FnMut(T),
) -> bool {
    let end = Instant::now() + REST;
    for _ in 0..most {
        match timeout_at(end.min(Instant::now() + NEXT), messages.next()).await {
            Ok(Some(Ok(message))) => take(message),
            Ok(_) => return false,
            Err(_) => break,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// Returns a stream with a message after each `pause`, for ever.
    fn every(pause: Duration) -> impl Stream<Item = lapin::Result<()>> + Unpin {
        let message = move |()| async move {
            sleep(pause).await;
            Ok(())
        };
        Box::pin(stream::repeat(()).then(message))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_messages_does_not_hold_up_the_first_one() {
        let (begun, mut taken) = (Instant::now(), 0);
        assert!(follow(&mut every(Duration::from_millis(3)), usize::MAX, |()| taken += 1).await);
        assert_eq!((taken, begun.elapsed()), (16, REST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_message_is_left_to_the_next_call() {
        let (begun, mut taken) = (Instant::now(), 0);
        assert!(follow(&mut every(2 * NEXT), usize::MAX, |()| taken += 1).await);
        assert_eq!((taken, begun.elapsed()), (0, NEXT));
    }

    #[tokio::test]
    async fn a_stream_that_ends_is_told_from_one_that_pauses() {
        let mut taken = 0;
        assert!(!follow(&mut stream::iter([Ok(()), Ok(())]), 3, |()| taken += 1).await);
        assert_eq!(taken, 2);
    }
}
