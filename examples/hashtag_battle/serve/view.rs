//! The state of the battle as the page gets it.

use serde::Serialize;

use super::tally::{Counts, Tally};

/// The state of the battle.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    /// The length of the window, in seconds.
    window: i64,
    /// The start of the first minute of the series, in milliseconds since 1970.
    first: i64,
    entries: u64,
    matching: u64,
    late: u64,
    /// The competitors, in the order of the command line.
    tags: Vec<Competitor<'a>>,
}

#[derive(Debug, Serialize)]
struct Competitor<'a> {
    tag: &'a str,
    /// The number of entries in the window.
    count: u64,
    /// The number of entries in each minute.
    series: Vec<u64>,
}

/// Returns the state as JSON.
pub(super) fn json(tally: &Tally, counts: Counts) -> serde_json::Result<String> {
    let Counts { window, first, series, entries, matching, late } = counts;
    let competitors = tally.tags().iter().zip(window).zip(series);
    let tags = competitors.map(|((tag, count), series)| Competitor { tag, count, series }).collect();
    serde_json::to_string(&View { window: tally.window(), first, entries, matching, late, tags })
}
