//! The flow: counts the competing hashtags in each sliding window.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::time::Untimed;
use flow::{Flow, LayerFlow, Tally, Window, WindowId};
use tokio::sync::mpsc::UnboundedSender;

use super::args::Args;
use super::entry::Entry;
use super::feed::Feed;
use super::replay::{Notice, entries};

/// An entry further ahead of all earlier ones than this does not advance the windows.
const MOST_AHEAD: Duration = Duration::from_hours(1);

/// The counts of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// The start of the window, in milliseconds of the feed.
    pub(crate) start: i64,
    /// Whether the window has ended.
    pub(crate) done: bool,
    /// Number of occurrences of each hashtag.
    pub(crate) tags: BTreeMap<String, u64>,
}

/// Emits counts at every entry and at the end of every window.
pub(crate) fn flow(
    args: &Args,
    feed: Arc<Feed>,
    notices: UnboundedSender<Notice>,
    late: &Tally,
) -> LayerFlow<Untimed, Count> {
    let speed = args.speed;
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let window = Window::sliding(seconds(args.window), seconds(args.step)).trigger_every(1).count_late(late);
    let tags: Arc<[String]> = args.tags.clone().into();
    let none: BTreeMap<String, u64> = tags.iter().map(|tag| (tag.clone(), 0)).collect();
    Flow::from_stream(move || entries(Arc::clone(&feed), speed, notices.clone()))
        .event_time(|entry: &Entry| entry.at, MOST_AHEAD)
        .stages(1)
        .sliding_window(window)
        .map(|entry| entry.hashtags())
        .reduce(
            move || none.clone(),
            |counts, tags| {
                for tag in tags {
                    // Only competing hashtags have an entry.
                    counts.entry(tag).and_modify(|count| *count += 1);
                }
            },
        )
        .on_trigger(|counts, trigger| {
            let start = match trigger.window {
                WindowId::Sliding(start) => start,
                _ => 0,
            };
            ([Count { start, done: trigger.is_done(), tags: counts.clone() }], counts)
        })
}
