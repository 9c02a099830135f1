//! Files as blocks of whole lines, for steps that process the bytes of many lines without copying.

use std::fmt;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use stage_core::BoxError;

use super::byte_order::without_mark;
use super::lines::paths;
use super::packing::Packing;
use super::record_reader::Fault;
use super::records::{AROUND, MOST, Piece, sizes, split};
use super::shared_pieces::SharedPieces;
use super::{More, NoStamp, Part, ReadError, Source};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Fused;
use crate::sync::lock;

/// The number of bytes read at once: small enough to stay in the core's private cache while a step processes
/// them.
const BLOCK: usize = 128 * 1024;
/// The number of unused buffers that a part keeps for later blocks.
const SPARE: usize = 4;

/// A flow of blocks of lines; each stage of its first layer reads its own part.
pub type BlockFlow = Flow<Start<Fused<LineBlocks, NoStamp>>>;

/// Files that are read in blocks of whole lines.
#[derive(Clone, Debug)]
pub struct LineBlocks {
    pub(super) files: Arc<[PathBuf]>,
    /// The maximum number of bytes of a line.
    pub(super) most: usize,
}

/// Consecutive whole lines with their line endings, usable as a slice of bytes. Its memory is reused after it
/// is dropped.
pub struct LineBlock {
    memory: Vec<u8>,
    length: usize,
    spare: Arc<Spare>,
}

/// Memory for the next blocks.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let spare = lock(&self.0).pop();
        spare.unwrap_or_else(|| vec![0; BLOCK])
    }

    fn keep(&self, memory: Vec<u8>) {
        let mut all = lock(&self.0);
        // Memory that grew for one long line is not kept.
        if all.len() < SPARE && memory.len() == BLOCK {
            all.push(memory);
        }
    }
}

impl LineBlock {
    /// Returns the lines, without their endings (`\n` or `\r\n`).
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.split_inclusive(|byte| *byte == b'\n').map(without_end)
    }
}

/// Removes the ending of a line.
fn without_end(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else { return line };
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Deref for LineBlock {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Drop for LineBlock {
    fn drop(&mut self) {
        self.spare.keep(std::mem::take(&mut self.memory));
    }
}

impl fmt::Debug for LineBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineBlock").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Source for LineBlocks {
    type Item = LineBlock;
    type Part = LineBlocksPart;

    fn parts(&self, most: usize) -> Result<Vec<LineBlocksPart>, BoxError> {
        let sizes = sizes(&self.files)?;
        let parts = split(&self.files, &sizes, most);
        let count = parts.len();
        let pieces = SharedPieces::new(parts);
        let part =
            |_| LineBlocksPart { pieces: pieces.clone(), open: None, spare: Arc::default(), most: self.most };
        Ok((0..count).map(part).collect())
    }

    fn name(&self) -> String {
        match &*self.files {
            [file] => format!("read {}", file.display()),
            files => format!("read {} files", files.len()),
        }
    }
}

/// A reader of some files: it takes pieces that no other reader has taken.
#[derive(Debug)]
pub struct LineBlocksPart {
    pieces: SharedPieces,
    open: Option<Open>,
    spare: Arc<Spare>,
    most: usize,
}

/// A piece that is being read.
struct Open {
    piece: Piece,
    input: Box<dyn Read + Send>,
    /// The bytes read but not yet emitted, from the beginning of a line.
    memory: Vec<u8>,
    filled: usize,
    /// The position of these bytes in the file.
    at: u64,
    /// The maximum number of bytes of a line.
    most: usize,
    ended: bool,
}

impl LineBlocksPart {
    /// Returns the next block; `None` after the last.
    fn next(&mut self) -> Result<Option<LineBlock>, ReadError> {
        loop {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => match self.pieces.take() {
                    Some(piece) => Open::begin(piece, self.spare.take(), self.most)?,
                    None => return Ok(None),
                },
            };
            match open.whole_lines().map_err(|fault| open.failed(fault))? {
                0 => self.spare.keep(open.memory),
                length => {
                    let left = open.unmark(length)?;
                    open.check(left, length)?;
                    let block = open.cut(left, length, &self.spare);
                    self.open = Some(open);
                    // A file may consist of a byte order mark alone.
                    if left > 0 {
                        return Ok(Some(block));
                    }
                }
            }
        }
    }
}

impl Open {
    /// Opens the piece at the first line that begins in it.
    fn begin(piece: Piece, memory: Vec<u8>, most: usize) -> Result<Self, ReadError> {
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
    fn whole_lines(&mut self) -> Result<usize, Fault> {
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
    fn unmark(&mut self, length: usize) -> Result<usize, ReadError> {
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
    fn check(&self, block: usize, length: usize) -> Result<(), ReadError> {
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
    fn cut(&mut self, block: usize, length: usize, spare: &Arc<Spare>) -> LineBlock {
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

    fn failed(&self, fault: Fault) -> ReadError {
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

impl Part for LineBlocksPart {
    type Item = LineBlock;

    fn at_once(&self) -> usize {
        1
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(LineBlock)) -> Result<More, BoxError> {
        for _ in 0..most {
            match self.next()? {
                Some(block) => each(block),
                None => return Ok(More::No),
            }
        }
        Ok(More::Yes)
    }
}

impl BlockFlow {
    /// Reads the lines of a file, many at once: each event is a [`LineBlock`] of some 128 KiB of whole lines,
    /// which can be processed as one slice of bytes. This is the fastest way to read lines: nothing is
    /// allocated or copied per line, unlike with [`from_lines`](Flow::from_lines).
    ///
    /// The file is cut into many pieces, in which lines are found as in [`from_lines`](Flow::from_lines);
    /// each stage takes the next piece when it has finished one, so that a stage that is slower for a while
    /// reads less. Each line is in one block, however long it is.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("lines");
    /// std::fs::write(&path, "one\ntwo\r\n\nfour")?;
    /// let longest = Flow::from_line_blocks(&path).map(|block| block.lines().map(<[u8]>::len).max());
    /// assert_eq!(longest.fold(None, Option::max).await?, Some(4));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Ordering
    ///
    /// Each stage keeps the order of the file; `stages(1)` keeps the order of the whole.
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`] if the file cannot be read; the error names the file and the byte.
    pub fn from_line_blocks(file: impl AsRef<Path>) -> Self {
        Self::from_line_blocks_of([file])
    }

    /// Reads the lines of several files, many at once; a block contains lines of one file only.
    pub fn from_line_blocks_of(files: impl IntoIterator<Item: AsRef<Path>>) -> Self {
        Self::from_source(LineBlocks { files: paths(files), most: MOST })
    }

    /// Sets the maximum number of bytes of a line, as
    /// [`max_record_bytes`](super::RecordFlow::max_record_bytes) does for files that are read line by line. A
    /// limit below 128 KiB costs a check of each line. Default: 16 MiB.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.chain.origin.source.most = bytes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(parts: Vec<LineBlocksPart>) -> Vec<u8> {
        let mut text = Vec::new();
        for mut part in parts {
            while let Some(block) = part.next().unwrap() {
                assert!(!block.is_empty());
                text.extend_from_slice(&block);
            }
        }
        text
    }

    fn written(text: &[u8]) -> (tempfile::TempDir, LineBlocks) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, text).unwrap();
        (folder, LineBlocks { files: [file].into(), most: MOST })
    }

    proptest::proptest! {
        #[test]
        fn blocks_are_the_text_and_end_with_lines(
            text in proptest::collection::vec(proptest::sample::select(b"ab\n".to_vec()), 0..200),
            most in 1..20_usize,
        ) {
            let (_folder, source) = written(&text);
            let parts = source.parts(most).unwrap();
            proptest::prop_assert_eq!(text_of(parts), &text[..]);
            for mut part in source.parts(most).unwrap() {
                while let Some(block) = part.next().unwrap() {
                    proptest::prop_assert!(block.ends_with(b"\n") || text.ends_with(&block));
                }
            }
        }
    }

    #[test]
    fn a_line_may_be_longer_than_a_block() {
        let text =
            [&b"a\n"[..], &vec![b'x'; 3 * BLOCK], b"\nb\n", &vec![b'y'; BLOCK - 1], b"\nlast"].concat();
        let (_folder, source) = written(&text);
        for most in [1, 2, 7] {
            assert_eq!(text_of(source.parts(most).unwrap()), text);
        }
    }

    #[test]
    fn memory_is_used_again() {
        let (_folder, source) = written(&b"a line\n".repeat(BLOCK));
        let mut part = source.parts(1).unwrap().remove(0);
        let first = part.next().unwrap().map(|block| block.memory.as_ptr());
        part.next().unwrap();
        assert_eq!(part.next().unwrap().map(|block| block.memory.as_ptr()), first);
    }
}
