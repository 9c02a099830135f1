//! A piece of a file that is being read, in blocks that end with a line.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use super::{BLOCK, LineBlock, Spare, without_end};
use crate::source::ReadError;
use crate::source::byte_order::without_mark;
use crate::source::packing::Packing;
use crate::source::record_reader::Fault;
use crate::source::records::{AROUND, Piece};

/// A piece that is being read.
pub(super) struct Open {
    piece: Piece,
    input: Box<dyn Read + Send>,
    /// The bytes read but not yet emitted, from the beginning of a line.
    pub(super) memory: Vec<u8>,
    filled: usize,
    /// The position of these bytes in the file.
    at: u64,
    /// The maximum number of bytes of a line.
    most: usize,
    ended: bool,
}

impl Open {
    /// Opens the piece at the first line that begins in it.
    pub(super) fn begin(piece: Piece, memory: Vec<u8>, most: usize) -> Result<Self, ReadError> {
        // The byte before the piece shows whether a line begins with its first byte.
        let at = piece.range.start.saturating_sub(1);
        let opened = Packing::None.open(&piece.path, at, piece.size);
        let input = opened.map_err(|source| ReadError::Open { path: piece.path.clone(), source })?;
        let mut open = Self { piece, input, memory, filled: 0, at, most, ended: false };
        if open.piece.range.start > 0 {
            open.skip_line().map_err(|error| open.failed(Fault::Io(error)))?;
        }
        Ok(open)
    }

    /// Skips the rest of a line that began before the piece.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.fill()?;
            let end = memchr::memchr(b'\n', &self.memory[..self.filled]);
            let skipped = end.map_or(self.filled, |end| end + 1);
            self.memory.copy_within(skipped..self.filled, 0);
            self.filled -= skipped;
            self.at += wide(skipped);
            if end.is_some() || self.ended {
                return Ok(());
            }
        }
    }

    /// Reads until there are whole lines; returns their length in bytes, or zero at the end of the piece.
    pub(super) fn whole_lines(&mut self) -> Result<usize, Fault> {
        loop {
            if self.at >= self.piece.range.end {
                return Ok(0);
            }
            let known = &self.memory[..self.filled];
            // The last line that begins in the piece ends behind the last byte of the piece.
            let last = usize::try_from(self.piece.range.end - self.at - 1).unwrap_or(usize::MAX);
            let end = if last < self.filled {
                memchr::memchr(b'\n', &known[last..]).map(|end| last + end)
            } else if self.filled >= BLOCK / 2 {
                memchr::memrchr(b'\n', known)
            } else {
                None
            };
            if let Some(end) = end {
                return Ok(end + 1);
            }
            if self.ended {
                return Ok(self.filled);
            }
            // Check before memory grows for one line.
            if self.filled == self.memory.len()
                && self.filled - self.last_line() > self.most.saturating_add(AROUND)
            {
                return Err(Fault::TooLong);
            }
            self.fill()?;
        }
    }

    /// Returns the position of the last line in memory.
    fn last_line(&self) -> usize {
        memchr::memrchr(b'\n', &self.memory[..self.filled]).map_or(0, |end| end + 1)
    }

    /// Removes the byte order mark at the beginning of a file; returns how many of the first `length` bytes
    /// are left.
    pub(super) fn unmark(&mut self, length: usize) -> Result<usize, ReadError> {
        let left = self.text_of(length)?.len();
        if left < length {
            self.memory.copy_within(length - left..length, 0);
        }
        Ok(left)
    }

    /// Returns the first `length` bytes in memory without the file's byte order mark.
    fn text_of(&self, length: usize) -> Result<&[u8], ReadError> {
        let bytes = &self.memory[..length];
        if self.at > 0 {
            return Ok(bytes);
        }
        without_mark(bytes)
            .map_err(|encoding| ReadError::Encoding { path: self.piece.path.clone(), encoding })
    }

    /// Checks the lines of a block, which takes `length` bytes of the file. Lines in a block of normal size
    /// are checked only if the limit is smaller than a block.
    pub(super) fn check(&self, block: usize, length: usize) -> Result<(), ReadError> {
        if self.memory.len() == BLOCK && self.most >= BLOCK {
            return Ok(());
        }
        match self.line_too_long(&self.memory[..block], length - block) {
            Some(at) => Err(self.too_long(at)),
            None => Ok(()),
        }
    }

    /// Returns the position of the first line of a text that is too long. The text is at the beginning of the
    /// memory, without a mark of `mark` bytes, which belongs to the first line.
    fn line_too_long(&self, text: &[u8], mut mark: usize) -> Option<u64> {
        let mut at = self.at;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if without_end(line).len() > self.most {
                return Some(at);
            }
            at += wide(line.len() + std::mem::take(&mut mark));
        }
        None
    }

    fn too_long(&self, at: u64) -> ReadError {
        ReadError::TooLong { path: self.piece.path.clone(), at, most: self.most }
    }

    /// Takes the first `block` of `length` bytes as a block, and moves the rest to other memory.
    pub(super) fn cut(&mut self, block: usize, length: usize, spare: &Arc<Spare>) -> LineBlock {
        let rest = self.filled - length;
        let mut next = spare.take();
        if next.len() <= rest {
            next.resize(self.memory.len(), 0);
        }
        next[..rest].copy_from_slice(&self.memory[length..self.filled]);
        let memory = std::mem::replace(&mut self.memory, next);
        self.filled = rest;
        self.at += wide(length);
        LineBlock { memory, length: block, spare: Arc::clone(spare) }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.memory.len() {
            self.memory.resize(self.memory.len() * 2, 0);
        }
        loop {
            match self.input.read(&mut self.memory[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }

    pub(super) fn failed(&self, fault: Fault) -> ReadError {
        match fault {
            Fault::Io(source) => {
                ReadError::Read { path: self.piece.path.clone(), at: self.at + wide(self.filled), source }
            }
            // In another encoding, line endings are not found as expected.
            Fault::TooLong => match self.text_of(self.filled) {
                Ok(text) => {
                    let at = self.line_too_long(text, self.filled - text.len());
                    self.too_long(at.unwrap_or(self.at))
                }
                Err(encoding) => encoding,
            },
        }
    }
}

/// A `usize` always fits a `u64` on supported platforms.
fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("piece", &self.piece).field("at", &self.at).finish_non_exhaustive()
    }
}
