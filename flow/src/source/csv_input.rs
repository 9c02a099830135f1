//! The bytes of a CSV file, followed by a probe, with a limit for each record.

use std::io::{self, Read};
use std::path::Path;

use super::byte_order::without_mark;
use super::file_input::FileInput;

/// A file followed by additional bytes.
pub(super) struct CsvInput {
    file: FileInput,
    probe: Vec<u8>,
    /// The number of bytes of the file that were read.
    given: u64,
    newlines: u64,
    /// The size of the file in bytes, once known.
    size: Option<u64>,
    /// The position of the current record, and the number of bytes that may be read before it ends.
    begun: u64,
    limit: u64,
    refused: Option<Refused>,
}

/// The reason why the file is not read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The file is in this encoding.
    Encoding(&'static str),
    /// The record that begins at this byte is longer than allowed.
    TooLong(u64),
}

impl CsvInput {
    pub(super) fn open(path: &Path, probe: Vec<u8>) -> io::Result<Self> {
        let file = FileInput::open(path, 0, None)?;
        Ok(Self { file, probe, given: 0, newlines: 0, size: None, begun: 0, limit: u64::MAX, refused: None })
    }

    /// Starts a record at `begun`, which may have this many bytes.
    pub(super) fn allow(&mut self, begun: u64, bytes: usize) {
        self.begun = begun;
        self.limit = begun.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Returns the size of the file in bytes, once it has been read to its end.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the number of newlines of the file, as far as it has been read.
    pub(super) fn newlines(&self) -> u64 {
        self.newlines
    }

    /// Returns the reason why reading failed, unless the file itself could not be read.
    pub(super) fn refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    fn refuse(&mut self, refused: Refused) -> io::Error {
        self.refused = Some(refused);
        io::Error::other("reading stopped at an earlier error")
    }
}

/// Counts the newlines.
pub(super) fn newlines(bytes: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX)
}

impl Read for CsvInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given > self.limit {
            return Err(self.refuse(Refused::TooLong(self.begun)));
        }
        if self.size.is_none() {
            let read = self.file.read(into)?;
            if self.given == 0
                && let Err(encoding) = without_mark(&into[..read])
            {
                return Err(self.refuse(Refused::Encoding(encoding)));
            }
            self.given += u64::try_from(read).unwrap_or(u64::MAX);
            self.newlines += newlines(&into[..read]);
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.size = Some(self.given);
        }
        let count = self.probe.len().min(into.len());
        into[..count].copy_from_slice(&self.probe[..count]);
        self.probe.drain(..count);
        Ok(count)
    }
}
