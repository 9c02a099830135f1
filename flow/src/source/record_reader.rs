//! Cuts input that is read in large blocks into records.

use std::io::{self, Read};

/// The number of bytes read at once.
const BLOCK: usize = 256 * 1024;

/// Reads records from `input`; a record is copied only if it crosses the end of a block.
pub(super) struct RecordReader<R> {
    input: R,
    /// The bytes read; only `start..filled` is still in use.
    block: Vec<u8>,
    start: usize,
    filled: usize,
    /// There is no separator before this position.
    searched: usize,
    /// The position of `start` in the input.
    offset: u64,
    /// The maximum number of bytes of a record.
    most: usize,
    ended: bool,
}

/// The reason why there is no next record.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    /// The record has more bytes than allowed.
    TooLong,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A record, without its separator.
pub(super) struct Record<'a> {
    /// The position of the record in the input.
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    /// How the record ends.
    pub(super) end: End,
}

/// How a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Separator,
    Input,
}

impl<R: Read> RecordReader<R> {
    /// Creates a reader of `input`, which is at byte `offset`, for records of at most `most` bytes; `block`
    /// is memory to reuse.
    pub(super) fn new(input: R, offset: u64, most: usize, mut block: Vec<u8>) -> Self {
        if block.len() < BLOCK {
            block = vec![0; BLOCK];
        }
        Self { input, block, start: 0, filled: 0, searched: 0, offset, most, ended: false }
    }

    /// Returns the memory, for reuse by another reader.
    pub(super) fn into_block(self) -> Vec<u8> {
        self.block
    }

    /// Returns the bytes read of the next record, which may include later records.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.block[self.start..self.filled]
    }

    /// Returns the position of the next record, or where reading stopped.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the position at which reading stopped.
    pub(super) fn read_so_far(&self) -> u64 {
        self.offset + wide(self.filled - self.start)
    }

    /// Returns the next record. The last record may end with the input; a separator at the end is not
    /// followed by another record.
    ///
    /// # Errors
    ///
    /// Returns an error if the input cannot be read, or if the record is longer than allowed; at most twice
    /// the limit is then held in memory.
    pub(super) fn next(&mut self, separator: u8) -> Result<Option<Record<'_>>, Fault> {
        let (end, ending) = loop {
            if let Some(at) = memchr::memchr(separator, &self.block[self.searched..self.filled]) {
                break (self.searched + at, End::Separator);
            }
            self.searched = self.filled;
            if self.ended && self.start == self.filled {
                return Ok(None);
            }
            if self.ended {
                break (self.filled, End::Input);
            }
            if self.filled - self.start > self.most {
                return Err(Fault::TooLong);
            }
            self.fill()?;
        };
        if end - self.start > self.most {
            return Err(Fault::TooLong);
        }
        let (start, offset) = (self.start, self.offset);
        self.advance(end + usize::from(ending == End::Separator));
        Ok(Some(Record { offset, bytes: &self.block[start..end], end: ending }))
    }

    /// Skips to the position after the next separator, however far away, or to the end of the input.
    pub(super) fn skip(&mut self, separator: u8) -> io::Result<()> {
        loop {
            if let Some(at) = memchr::memchr(separator, &self.block[self.start..self.filled]) {
                self.advance(self.start + at + 1);
                return Ok(());
            }
            self.advance(self.filled);
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn advance(&mut self, to: usize) {
        self.offset += wide(to - self.start);
        self.start = to;
        self.searched = to;
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.block.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.filled == self.block.len() {
            self.block.resize(self.block.len() * 2, 0);
        }
        loop {
            match self.input.read(&mut self.block[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// A `usize` always fits a `u64` on supported platforms.
fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that returns a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len()).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn records(text: &[u8], at_once: usize) -> Vec<(u64, Vec<u8>, End)> {
        let mut reader = RecordReader::new(Drops(text, at_once), 0, usize::MAX, Vec::new());
        let mut all = Vec::new();
        while let Some(record) = reader.next(b'\n').unwrap() {
            all.push((record.offset, record.bytes.to_vec(), record.end));
        }
        all
    }

    #[test]
    fn records_end_with_a_separator_or_the_input() {
        for at_once in [1, 2, 3, 100] {
            assert_eq!(records(b"", at_once), []);
            assert_eq!(records(b"\n", at_once), [(0, vec![], End::Separator)]);
            let expected = [(0, b"ab".to_vec(), End::Separator), (3, b"c".to_vec(), End::Input)];
            assert_eq!(records(b"ab\nc", at_once), expected);
        }
    }

    #[test]
    fn a_record_may_be_longer_than_a_block() {
        let long = vec![b'x'; 3 * BLOCK + 17];
        let text = [&b"a\n"[..], &long, b"\nb"].concat();
        let all = records(&text, usize::MAX);
        assert_eq!(all.iter().map(|record| record.1.len()).collect::<Vec<_>>(), [1, long.len(), 1]);
        assert_eq!(all[2].0, u64::try_from(long.len() + 3).unwrap());
    }

    #[test]
    fn an_overlong_record_is_an_error_for_any_split_of_the_input_and_memory_stays_bounded() {
        let text = [&vec![b'x'; 3 * BLOCK][..], b"\nb"].concat();
        for at_once in [100_000, usize::MAX] {
            for most in [0, 7, BLOCK, 3 * BLOCK - 1] {
                let mut reader = RecordReader::new(Drops(&text, at_once), 0, most, Vec::new());
                assert!(matches!(reader.next(b'\n'), Err(Fault::TooLong)));
                assert!(reader.block.len() <= BLOCK.max(2 * most), "{} for {most}", reader.block.len());
            }
            let mut reader = RecordReader::new(Drops(&text, at_once), 0, 3 * BLOCK, Vec::new());
            assert_eq!(reader.next(b'\n').unwrap().unwrap().bytes.len(), 3 * BLOCK);
        }
    }

    #[test]
    fn skipping_a_long_record_takes_no_more_memory() {
        let text = [vec![b'x'; 3 * BLOCK], b"\nb".to_vec()].concat();
        let mut reader = RecordReader::new(Drops(&text, usize::MAX), 0, 1, Vec::new());
        reader.skip(b'\n').unwrap();
        assert_eq!(reader.block.len(), BLOCK);
        assert_eq!(reader.next(b'\n').unwrap().unwrap().bytes, b"b");
        assert_eq!(reader.offset(), u64::try_from(text.len()).unwrap());
    }
}
