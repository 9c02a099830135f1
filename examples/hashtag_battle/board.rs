//! The ranking: redrawn in place on a terminal, otherwise one line for each window that has ended.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _, stdout};
use std::time::{Duration, Instant};

use drip::report::{bar, duration};

use super::args::Args;
use super::battle::Count;
use super::feed::FeedError;
use super::replay::Notice;

/// Length of the longest bar, in characters.
const BAR: u64 = 40;
/// Minimum time between two redraws.
const FRAME: Duration = Duration::from_millis(50);

/// The displayed state.
#[derive(Debug)]
pub(crate) struct Board {
    live: bool,
    /// Length of a window in milliseconds.
    window: i64,
    /// The windows that have not ended, by start time.
    open: BTreeMap<i64, Count>,
    state: String,
    drawn: Option<(Instant, usize)>,
}

impl Board {
    pub(crate) fn new(args: &Args, live: bool) -> Self {
        let window = i64::from(args.window) * 1000;
        Self { live, window, open: BTreeMap::new(), state: "connected".to_owned(), drawn: None }
    }

    /// Shows the current counts of a window.
    ///
    /// # Errors
    /// If the reader of stdout is gone.
    pub(crate) fn show(&mut self, count: Count) -> io::Result<()> {
        if count.done {
            self.open.remove(&count.start);
            if !self.live {
                self.line(&count)?;
            }
        } else {
            self.open.insert(count.start, count);
        }
        if self.drawn.is_none_or(|(at, _)| at.elapsed() >= FRAME) {
            self.draw();
        }
        Ok(())
    }

    /// Shows a change of the connection.
    ///
    /// # Errors
    /// The feed's error, if the feed has failed permanently.
    pub(crate) fn note(&mut self, notice: Notice) -> Result<(), FeedError> {
        self.state = match notice {
            Notice::Lost(patience) => format!("disconnected; next attempt in {}", duration(patience)),
            Notice::Back => "reconnected".to_owned(),
            Notice::Failed(error) => return Err(error),
        };
        if self.live {
            self.draw();
        } else {
            eprintln!("hashtag_battle: {}", self.state);
        }
        Ok(())
    }

    /// Shows that the feed has ended.
    pub(crate) fn end(&mut self, late: u64) {
        "the feed is over".clone_into(&mut self.state);
        self.draw();
        if late > 0 {
            eprintln!("hashtag_battle: {late} entries came too late for their windows");
        }
    }

    fn line(&self, count: &Count) -> io::Result<()> {
        let mut line = format!("{}-{}", clock(count.start), clock(count.start + self.window));
        for (tag, count) in ranked(count) {
            let _ = write!(line, "  {tag} {count}");
        }
        writeln!(stdout(), "{line}")
    }

    /// Redraws the oldest open window, which is the fullest.
    fn draw(&mut self) {
        let Some((_, count)) = self.open.first_key_value().filter(|_| self.live) else {
            return;
        };
        let ranking = ranked(count);
        let most = ranking.first().map_or(0, |(_, count)| *count);
        let width = ranking.iter().map(|(tag, _)| tag.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        if let Some((_, lines)) = self.drawn {
            // Return to the first line, and clear everything after it.
            let _ = write!(text, "\x1b[{lines}A\x1b[J");
        }
        for (place, (tag, count)) in (1..).zip(&ranking) {
            let _ = writeln!(text, "{place:>2}. {tag:<width$}  {count:>7}  {}", bar(*count, most, BAR));
        }
        let (from, to) = (clock(count.start), clock(count.start + self.window));
        let _ = writeln!(text, "{from} to {to} · {}", self.state);
        let _ = stdout().write_all(text.as_bytes());
        let _ = stdout().flush();
        self.drawn = Some((Instant::now(), ranking.len() + 1));
    }
}

/// Sorts hashtags by descending count, then by name.
fn ranked(count: &Count) -> Vec<(&str, u64)> {
    let mut ranking: Vec<_> = count.tags.iter().map(|(tag, count)| (tag.as_str(), *count)).collect();
    ranking.sort_by_key(|(tag, count)| (Reverse(*count), *tag));
    ranking
}

/// Formats milliseconds as `h:mm:ss`.
fn clock(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_hours_minutes_and_seconds() {
        assert_eq!([3_661_000, 0, -50_000, 59_999].map(clock), ["1:01:01", "0:00:00", "-0:00:50", "0:00:59"]);
    }

    #[test]
    fn owners_are_ranked_by_size() {
        let tags = [("#b", 2), ("#a", 2), ("#c", 5)].map(|(tag, count)| (tag.to_owned(), count)).into();
        let count = Count { start: 0, done: false, tags };
        assert_eq!(ranked(&count), [("#c", 5), ("#a", 2), ("#b", 2)]);
    }
}
