//! The counts of the competing hashtags, in steps of a sliding window and in minutes, as a plain value.

use std::collections::{BTreeMap, HashMap};

use crate::entry::Entry;

/// Milliseconds of a minute.
pub(super) const MINUTE: i64 = 60_000;

/// The number of minutes of the series, with the current one.
pub(super) const MINUTES: i64 = 60;

/// The counts of one battle. Times are milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Tally {
    /// The competing hashtags and their places in the counts.
    tags: Vec<String>,
    places: HashMap<String, usize>,
    /// Length of the sliding window and of its steps.
    window: i64,
    step: i64,
    steps: Buckets,
    minutes: Buckets,
    entries: u64,
    matching: u64,
    late: u64,
}

/// Counts per hashtag in consecutive spans of time, by the start of the span; spans without entries are absent.
#[derive(Debug, Default)]
struct Buckets(BTreeMap<i64, Vec<u64>>);

/// The counts at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Per hashtag, in the sliding window.
    pub(super) window: Vec<u64>,
    /// The start of the first minute of the series.
    pub(super) first: i64,
    /// Per hashtag, a number for every minute, the current one last.
    pub(super) series: Vec<Vec<u64>>,
    pub(super) entries: u64,
    /// The entries with a competing hashtag.
    pub(super) matching: u64,
    /// The entries that came too late, or from too far in the future, to be in the series.
    pub(super) late: u64,
}

impl Buckets {
    fn add(&mut self, start: i64, places: &[usize], tags: usize) {
        let counts = self.0.entry(start).or_insert_with(|| vec![0; tags]);
        for place in places {
            counts[*place] += 1;
        }
    }

    /// Forgets the spans before `start`.
    fn keep_from(&mut self, start: i64) {
        self.0 = self.0.split_off(&start);
    }
}

impl Tally {
    /// Creates a tally of hashtags over windows of `window` seconds that move by `step` seconds.
    pub(super) fn new(tags: &[String], window: u32, step: u32) -> Self {
        let mut known = Vec::new();
        for tag in tags {
            if !known.contains(tag) {
                known.push(tag.clone());
            }
        }
        let places = known.iter().cloned().enumerate().map(|(place, tag)| (tag, place)).collect();
        let (window, step) = (i64::from(window) * 1000, i64::from(step) * 1000);
        Self {
            tags: known,
            places,
            window,
            step: step.min(window),
            steps: Buckets::default(),
            minutes: Buckets::default(),
            entries: 0,
            matching: 0,
            late: 0,
        }
    }

    /// Returns the competing hashtags.
    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Returns the length of the window, in seconds.
    pub(super) fn window(&self) -> i64 {
        self.window / 1000
    }

    /// Counts an entry. One older than the series, or more than a minute ahead of the clock, counts as late.
    pub(super) fn add(&mut self, entry: &Entry, now: i64) {
        self.entries += 1;
        let places: Vec<_> =
            entry.hashtags().iter().filter_map(|tag| self.places.get(tag).copied()).collect();
        if places.is_empty() {
            return;
        }
        self.matching += 1;
        if entry.at < first_minute(now) || entry.at > now + MINUTE {
            self.late += 1;
            return;
        }
        self.minutes.add(floor(entry.at, MINUTE), &places, self.tags.len());
        if entry.at >= self.window_start(now) {
            self.steps.add(floor(entry.at, self.step), &places, self.tags.len());
        }
    }

    /// Returns the start of the window that ends with the current step.
    fn window_start(&self, now: i64) -> i64 {
        floor(now, self.step) + self.step - self.window
    }

    /// Returns the counts, and forgets what is too old for them.
    pub(super) fn counts(&mut self, now: i64) -> Counts {
        let (first, begin) = (first_minute(now), floor(self.window_start(now), self.step));
        self.minutes.keep_from(first);
        self.steps.keep_from(begin);
        let mut window = vec![0; self.tags.len()];
        for counts in self.steps.0.range(..=now).map(|(_, counts)| counts) {
            window.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        let minutes = (0..MINUTES).map(|minute| self.minutes.0.get(&(first + minute * MINUTE)));
        let series = (0..self.tags.len())
            .map(|place| minutes.clone().map(|counts| counts.map_or(0, |counts| counts[place])).collect())
            .collect();
        let Self { entries, matching, late, .. } = *self;
        Counts { window, first, series, entries, matching, late }
    }
}

/// Returns the last multiple of `span` that is not after `at`.
fn floor(at: i64, span: i64) -> i64 {
    at.div_euclid(span) * span
}

fn first_minute(now: i64) -> i64 {
    floor(now, MINUTE) - (MINUTES - 1) * MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time at the start of a minute.
    const START: i64 = 30_000_000 * MINUTE;

    fn tally() -> Tally {
        Tally::new(&["#a".to_owned(), "#b".to_owned(), "#a".to_owned()], 60, 10)
    }

    fn entry(seconds: i64, text: &str) -> Entry {
        Entry { at: START + seconds * 1000, text: text.to_owned() }
    }

    fn add(tally: &mut Tally, seconds: i64, text: &str) {
        tally.add(&entry(seconds, text), START + seconds * 1000);
    }

    #[test]
    fn a_window_slides_by_its_step() {
        let mut tally = tally();
        for seconds in 0..120 {
            add(&mut tally, seconds, if seconds % 10 == 0 { "#a #b" } else { "#a #A #c" });
        }
        let at = |tally: &mut Tally, seconds: i64| tally.counts(START + seconds * 1000).window;
        // From second 60 on, and from second 70 on after the next step.
        assert_eq!(at(&mut tally, 119), [60, 6]);
        assert_eq!(at(&mut tally, 120), [50, 5]);
        assert_eq!(at(&mut tally, 169), [10, 1]);
        assert_eq!(at(&mut tally, 170), [0, 0]);
    }

    #[test]
    fn minutes_without_entries_are_zero_and_old_ones_leave() {
        let mut tally = tally();
        add(&mut tally, 5, "#a");
        add(&mut tally, 7, "#a #b");
        add(&mut tally, 200, "#b");
        let counts = tally.counts(START + 240_000);
        assert_eq!(counts.first, START - 55 * MINUTE);
        assert_eq!((counts.series[0].len(), counts.series[0].iter().sum::<u64>()), (60, 2));
        assert_eq!(counts.series[0][55..], [2, 0, 0, 0, 0]);
        assert_eq!(counts.series[1][55..], [1, 0, 0, 1, 0]);
        // An hour later only empty minutes are left, and no memory for them.
        let counts = tally.counts(START + 5 * MINUTE + 60 * MINUTE);
        assert!(counts.series.iter().flatten().all(|count| *count == 0));
        assert!(tally.minutes.0.is_empty() && tally.steps.0.is_empty());
        assert_eq!((counts.entries, counts.matching, counts.late), (3, 3, 0));
    }

    #[test]
    fn entries_out_of_order_go_to_their_minute_and_those_out_of_range_are_late() {
        let mut tally = tally();
        let now = START + 30 * MINUTE;
        for (at, text) in
            [(0, "#a"), (30 * 60, "#b"), (10 * 60, "#a"), (-3600, "#a"), (40 * 60, "#b"), (0, "none")]
        {
            tally.add(&entry(at, text), now);
        }
        let counts = tally.counts(now);
        assert_eq!((counts.series[0][29], counts.series[0][39], counts.series[1][59]), (1, 1, 1));
        assert_eq!((counts.entries, counts.matching, counts.late), (6, 5, 2));
        assert_eq!(counts.window, [0, 1]);
    }
}
