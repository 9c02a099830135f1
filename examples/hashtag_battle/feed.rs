//! An unreliable feed: a file of entries, or generated ones, read through connections that may drop out.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;

/// A source of entries that can be read from any position.
#[derive(Debug)]
pub(crate) struct Feed {
    file: Option<PathBuf>,
    drop_out: Option<u32>,
    /// Number of attempts to connect.
    attempts: AtomicU64,
}

/// Why there is no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// The feed will return.
    #[error("the feed disconnected")]
    Lost,
    /// The feed has failed permanently.
    #[error("`{}` cannot be read: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("`{}`: byte {at}: expected milliseconds, a space and a text", path.display())]
    Malformed { path: PathBuf, at: u64 },
}

/// Yields entries one by one, each with the position after it.
#[derive(Debug)]
pub(crate) struct Connection {
    entries: Entries,
    place: u64,
    /// Number of entries until the connection drops out.
    left: Option<u32>,
}

#[derive(Debug)]
enum Entries {
    File(PathBuf, BufReader<File>),
    MadeUp,
}

impl Feed {
    pub(crate) fn new(file: Option<PathBuf>, drop_out: Option<u32>) -> Self {
        Self { file, drop_out, attempts: AtomicU64::new(0) }
    }

    /// Connects at `place`: 0, or the position after an entry. A feed that dropped out refuses the first
    /// attempt.
    pub(crate) fn connect(&self, place: u64) -> Result<Connection, FeedError> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        if self.drop_out.is_some() && !attempt.is_multiple_of(2) {
            return Err(FeedError::Lost);
        }
        let entries = match &self.file {
            None => Entries::MadeUp,
            Some(path) => {
                let failed = |error| FeedError::File { path: path.clone(), error };
                let mut file = File::open(path).map_err(failed)?;
                file.seek(SeekFrom::Start(place)).map_err(failed)?;
                Entries::File(path.clone(), BufReader::new(file))
            }
        };
        Ok(Connection { entries, place, left: self.drop_out })
    }
}

impl Connection {
    /// Returns the next entry and the position after it; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(Entry, u64)>, FeedError> {
        match &mut self.left {
            Some(0) => return Err(FeedError::Lost),
            Some(left) => *left -= 1,
            None => {}
        }
        let entry = match &mut self.entries {
            Entries::MadeUp => {
                self.place += 1;
                made_up(self.place)
            }
            Entries::File(path, file) => {
                let mut line = String::new();
                let read = file
                    .read_line(&mut line)
                    .map_err(|error| FeedError::File { path: path.clone(), error })?;
                if read == 0 {
                    return Ok(None);
                }
                let at = self.place;
                self.place += read as u64;
                let malformed = || FeedError::Malformed { path: path.clone(), at };
                Entry::parse(line.trim_end()).ok_or_else(malformed)?
            }
        };
        Ok(Some((entry, self.place)))
    }
}

/// Generates entry number `number`: about ten per second, with five hashtags that each have busy and quiet
/// times.
fn made_up(number: u64) -> Entry {
    const TAGS: [&str; 5] = ["#rust", "#elixir", "#erlang", "#go", "#zig"];
    // Any mixing function would do; this is the finalizer of MurmurHash3.
    let mut random = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    random ^= random >> 33;
    random = random.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    random ^= random >> 33;
    let favourite = usize::try_from(number / 700 % 5).unwrap_or_default();
    let tag = usize::try_from(random % 8).unwrap_or_default();
    let text = format!("a user likes {}", TAGS.get(tag).unwrap_or(&TAGS[favourite]));
    Entry { at: i64::try_from(number * 100 + random % 100).unwrap_or(i64::MAX), text }
}
