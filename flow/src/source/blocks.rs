//! Files as blocks of whole lines, for steps that process the bytes of many lines without copying.

mod open;

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use stage_core::BoxError;

use self::open::Open;
use super::lines::paths;
use super::records::{MOST, sizes, split};
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
mod tests;
