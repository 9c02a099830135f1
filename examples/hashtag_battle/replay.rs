//! The entries of a feed at the speed at which they happened, whatever becomes of the connection.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, sleep_until};

use super::entry::Entry;
use super::feed::{Feed, FeedError};

/// How long to wait before the first attempt to connect anew; twice as long before each that follows.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long at most.
const MOST_PATIENCE: Duration = Duration::from_secs(10);

/// What happens to the connection.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The feed dropped out, or is not back yet; the next attempt is made after this time.
    Lost(Duration),
    /// The feed is back, and goes on behind the last entry.
    Back,
    /// The feed is gone for good.
    Failed(FeedError),
}

/// Each entry once and in order, `speed` times as fast as they happened; 0 is as fast as can be.
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

/// How long after the first entry one is due.
fn since(milliseconds: i64, speed: u32) -> Option<Duration> {
    (speed > 0).then(|| Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()) / speed)
}
