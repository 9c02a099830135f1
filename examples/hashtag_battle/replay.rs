//! Replays the entries of a feed at their original pace, reconnecting whenever the connection is lost.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, sleep_until};

use super::entry::Entry;
use super::feed::{Feed, FeedError};

/// Delay before the first attempt to reconnect; it doubles with each further attempt.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest delay.
const MOST_PATIENCE: Duration = Duration::from_secs(10);

/// A change of the connection.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The feed dropped out or is still unavailable; the next attempt follows after this time.
    Lost(Duration),
    /// The feed is back, and continues after the last entry.
    Back,
    /// The feed has failed permanently.
    Failed(FeedError),
}

/// Streams each entry once and in order, at `speed` times the original pace; 0 means without delay.
pub(crate) fn entries(
    feed: Arc<Feed>,
    speed: u32,
    notices: UnboundedSender<Notice>,
) -> impl Stream<Item = Entry> + Send {
    stream! {
        let (mut place, mut patience, mut began) = (0, PATIENCE, None);
        let mut lost = false;
        'connected: loop {
            let mut connection = match feed.connect(place) {
                Ok(connection) => connection,
                Err(FeedError::Lost) => {
                    let _ = notices.send(Notice::Lost(patience));
                    sleep(patience).await;
                    patience = (patience * 2).min(MOST_PATIENCE);
                    continue;
                }
                Err(error) => {
                    let _ = notices.send(Notice::Failed(error));
                    return;
                }
            };
            if std::mem::take(&mut lost) {
                let _ = notices.send(Notice::Back);
            }
            patience = PATIENCE;
            loop {
                match connection.next() {
                    Ok(Some((entry, behind))) => {
                        place = behind;
                        let (first, start) = *began.get_or_insert((entry.at, Instant::now()));
                        if let Some(after) = since(entry.at - first, speed) {
                            sleep_until(start + after).await;
                        }
                        yield entry;
                    }
                    Ok(None) => return,
                    Err(FeedError::Lost) => {
                        lost = true;
                        continue 'connected;
                    }
                    Err(error) => {
                        let _ = notices.send(Notice::Failed(error));
                        return;
                    }
                }
            }
        }
    }
}

/// Returns the delay of an entry relative to the first one.
fn since(milliseconds: i64, speed: u32) -> Option<Duration> {
    (speed > 0).then(|| Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()) / speed)
}
