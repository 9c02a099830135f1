//! Files of records as a source: split by bytes; each part starts at the first record that begins in it.
//!
//! 1. A record belongs to the part that contains its first byte; so each record belongs to one part, whatever
//!    the number of parts.
//! 2. A part that does not start with the file checks the byte before its own, to see whether a record begins
//!    with its first.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::ops::ControlFlow::{Break, Continue};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stage_core::BoxError;

use super::byte_order::without_mark;
use super::decode::{Decode, Undecodable};
use super::packing::Packing;
use super::part::{Each, read_each};
use super::record_reader::{End, Fault, Record, RecordReader};
use super::{More, Part, ReadError, Source, Taker};

/// The default maximum number of bytes of a record.
pub(super) const MOST: usize = 16 << 20;
/// The bytes that a reader allows in addition: a byte order mark and a carriage return, which are not part of a line.
pub(super) const AROUND: usize = 4;

/// The terminator of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A newline, or a carriage return and a newline.
    Line,
    /// This byte.
    Byte(u8),
}

impl Ending {
    fn separator(self) -> u8 {
        match self {
            Self::Line => b'\n',
            Self::Byte(separator) => separator,
        }
    }

    #[inline]
    fn trim<'a>(self, record: &Record<'a>) -> &'a [u8] {
        match (self, record.end, record.bytes) {
            (Self::Line, End::Separator, [line @ .., b'\r']) => line,
            (_, _, bytes) => bytes,
        }
    }
}

/// Files of records, each decoded into an event.
#[derive(Clone, Debug)]
pub struct Records<D> {
    files: Arc<[PathBuf]>,
    ending: Ending,
    packing: Packing,
    decode: D,
    /// The maximum number of bytes of a record.
    most: usize,
}

impl<D: Decode> Records<D> {
    pub(super) fn new(files: Arc<[PathBuf]>, ending: Ending, packing: Packing, decode: D) -> Self {
        Self { files, ending, packing, decode, most: MOST }
    }

    /// Sets the maximum number of bytes of a record.
    pub(super) fn of_at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Creates a part that reads these pieces.
    fn part(&self, pieces: impl IntoIterator<Item = Piece>) -> RecordPart<D> {
        RecordPart {
            pieces: pieces.into_iter().collect(),
            ending: self.ending,
            packing: self.packing,
            decode: self.decode.clone(),
            most: self.most,
            open: None,
            block: Vec::new(),
        }
    }
}

impl<D: Decode> Source for Records<D> {
    type Item = D::Item;
    type Part = RecordPart<D>;

    fn parts(&self, most: usize) -> Result<Vec<RecordPart<D>>, BoxError> {
        if self.packing != Packing::None {
            let whole = |file: &PathBuf| self.part([Piece::whole(file)]);
            let parts = self.files.iter().map(whole).collect::<Vec<_>>();
            return Ok(if parts.is_empty() { vec![self.part([])] } else { parts });
        }
        let sizes = sizes(&self.files)?;
        Ok(split(&self.files, &sizes, most).into_iter().map(|pieces| self.part(pieces)).collect())
    }

    fn name(&self) -> String {
        match &*self.files {
            [file] => format!("read {}", file.display()),
            files => format!("read {} files", files.len()),
        }
    }
}

/// A range of bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) range: Range<u64>,
    /// The size of the file when it was split, if known.
    pub(super) size: Option<u64>,
}

impl Piece {
    /// The whole of a file of unknown size.
    fn whole(path: &Path) -> Self {
        Self { path: path.to_owned(), range: 0..u64::MAX, size: None }
    }
}

/// Returns the size of each file in bytes, if known.
pub(super) fn sizes(files: &[PathBuf]) -> Result<Vec<Option<u64>>, ReadError> {
    files.iter().map(|file| size(file)).collect()
}

/// Returns the size of a file in bytes, if known: that of a pipe is not.
fn size(path: &Path) -> Result<Option<u64>, ReadError> {
    let failed = |source| ReadError::Open { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    // A file that the kernel generates when it is read reports no size either.
    Ok((metadata.is_file() && metadata.len() > 0).then_some(metadata.len()))
}

/// Splits files of these sizes, as if concatenated, into `most` parts that differ by at most a byte. Files of
/// unknown size are distributed whole.
pub(super) fn split(files: &[PathBuf], sizes: &[Option<u64>], most: usize) -> Vec<Vec<Piece>> {
    let total: u64 = sizes.iter().flatten().sum();
    let unknown = sizes.iter().filter(|size| size.is_none()).count();
    let useful = usize::try_from(total).unwrap_or(usize::MAX).max(unknown).max(1);
    let most = most.clamp(1, useful);
    let wide = u64::try_from(most).unwrap_or(u64::MAX);
    let cut = |part: u64| total / wide * part + (total % wide).min(part);
    let mut parts: Vec<Vec<Piece>> = vec![Vec::new(); most];
    let (mut begin, mut part, mut dealt) = (0, 0, 0);
    for (path, size) in files.iter().zip(sizes) {
        let Some(size) = size else {
            parts[dealt % most].push(Piece::whole(path));
            dealt += 1;
            continue;
        };
        let end = begin + size;
        let mut from = begin;
        while from < end {
            let to = cut(part + 1).min(end);
            if from < to {
                let index = usize::try_from(part).unwrap_or(most - 1).min(most - 1);
                let range = from - begin..to - begin;
                parts[index].push(Piece { path: path.clone(), range, size: Some(*size) });
            }
            from = to;
            part += u64::from(to == cut(part + 1));
        }
        begin = end;
    }
    parts
}

/// The rest of a part of some files.
pub struct RecordPart<D> {
    pieces: VecDeque<Piece>,
    ending: Ending,
    packing: Packing,
    decode: D,
    most: usize,
    open: Option<Open>,
    block: Vec<u8>,
}

struct Open {
    piece: Piece,
    reader: RecordReader<Box<dyn Read + Send>>,
}

impl<D: Decode> RecordPart<D> {
    /// Returns the piece that is being read; `None` after the last.
    fn open(&mut self) -> Result<Option<Open>, ReadError> {
        if let Some(open) = self.open.take() {
            return Ok(Some(open));
        }
        let Some(piece) = self.pieces.pop_front() else {
            return Ok(None);
        };
        let at = piece.range.start.saturating_sub(1);
        let input = self
            .packing
            .open(&piece.path, at, piece.size)
            .map_err(|source| ReadError::Open { path: piece.path.clone(), source })?;
        let most = self.most.saturating_add(AROUND);
        let reader = RecordReader::new(input, at, most, std::mem::take(&mut self.block));
        let mut open = Open { piece, reader };
        if open.piece.range.start > 0 {
            let skipped = open.reader.skip(self.ending.separator());
            skipped.map_err(|error| open.failed(error))?;
        }
        Ok(Some(open))
    }

    /// Reads the next record of a piece that is an event; `None` at its end.
    #[inline]
    fn next_in(&self, open: &mut Open) -> Result<Option<D::Item>, ReadError> {
        let separator = self.ending.separator();
        loop {
            if open.reader.offset() >= open.piece.range.end {
                return Ok(None);
            }
            let begun = open.reader.offset();
            let record = match open.reader.next(separator) {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(Fault::Io(error)) => return Err(open.failed(error)),
                Err(Fault::TooLong) => {
                    // In another encoding, line endings are not found as expected.
                    self.text_of(&open.piece.path, begun, open.reader.ahead())?;
                    return Err(self.too_long(&open.piece.path, begun));
                }
            };
            let Some(bytes) = self.bytes_of(&open.piece.path, &record)? else {
                return Ok(None);
            };
            match self.decode.decode(bytes) {
                Ok(None) => {}
                Ok(item) => return Ok(item),
                Err(wrong) => {
                    let mark = self.ending.trim(&record).len() - bytes.len();
                    return Err(self.wrong(&open.piece.path, begun, mark, wrong));
                }
            }
        }
    }

    /// Returns the bytes of a record without its terminator and, at the beginning of the file, without its
    /// byte order mark; `None` if the file consists of the mark alone.
    fn bytes_of<'a>(&self, path: &Path, record: &Record<'a>) -> Result<Option<&'a [u8]>, ReadError> {
        let bytes = self.ending.trim(record);
        let text = self.text_of(path, record.offset, bytes)?;
        if text.len() < bytes.len() && text.is_empty() && record.end == End::Input {
            return Ok(None);
        }
        if text.len() > self.most {
            return Err(self.too_long(path, record.offset));
        }
        Ok(Some(text))
    }

    /// Returns the bytes at `offset` without the byte order mark that a file of lines may begin with.
    fn text_of<'a>(&self, path: &Path, offset: u64, bytes: &'a [u8]) -> Result<&'a [u8], ReadError> {
        if offset > 0 || self.ending != Ending::Line {
            return Ok(bytes);
        }
        without_mark(bytes).map_err(|encoding| ReadError::Encoding { path: path.to_owned(), encoding })
    }

    fn too_long(&self, path: &Path, at: u64) -> ReadError {
        ReadError::TooLong { path: path.to_owned(), at, most: self.most }
    }

    /// Returns the error for a record at `offset`, which begins with a byte order mark of `mark` bytes.
    fn wrong(&self, path: &Path, offset: u64, mark: usize, wrong: Undecodable) -> ReadError {
        let path = path.to_owned();
        match wrong {
            Undecodable::NotText(at) => {
                ReadError::NotText { path, at: offset + u64::try_from(mark + at).unwrap_or(u64::MAX) }
            }
            Undecodable::Other(column, source) => {
                let line = self.line(&path, offset);
                ReadError::Record { path, line, column, source }
            }
        }
    }

    /// Returns the number of the line that begins at `offset`; counted only for an error.
    fn line(&self, path: &Path, offset: u64) -> u64 {
        let counted = || -> io::Result<u64> {
            let input = self.packing.open(path, 0, None)?;
            let mut reader = RecordReader::new(input, 0, self.most, Vec::new());
            let mut line = 1;
            while reader.offset() < offset {
                let before = reader.offset();
                reader.skip(self.ending.separator())?;
                // The file may have been truncated.
                if reader.offset() == before {
                    break;
                }
                line += 1;
            }
            Ok(line)
        };
        // The file existed a moment ago.
        counted().unwrap_or_default()
    }
}

impl Open {
    fn failed(&self, source: io::Error) -> ReadError {
        ReadError::Read { path: self.piece.path.clone(), at: self.reader.read_so_far(), source }
    }
}

impl<D: Decode> Part for RecordPart<D> {
    type Item = D::Item;

    fn read(&mut self, most: usize, each: &mut impl FnMut(D::Item)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<D::Item>) -> Result<More, BoxError> {
        let mut open = self.open()?;
        let read = read_each(most, taker, || {
            while let Some(piece) = &mut open {
                if let Some(item) = self.next_in(piece)? {
                    return Ok(Continue(item));
                }
                self.block = open.take().map(|over| over.reader.into_block()).unwrap_or_default();
                open = self.open()?;
            }
            Ok(Break(More::No))
        });
        self.open = open;
        read
    }
}

impl<D> fmt::Debug for RecordPart<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordPart").field("pieces", &self.pieces).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
