//! Reads the columns of a row group in long pieces.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError as Error, Result};
use parquet::file::reader::{ChunkReader, Length};

/// The bytes of a column that are read at once. A column's page is usually 1 MiB before it is packed.
const PIECE: u64 = 256 << 10;

/// A file of which each column's pages are read in long pieces. `parquet` itself reads the header and the data of each page by a
/// duplicated file descriptor.
#[derive(Clone)]
pub(crate) struct ReadAhead {
    shared: Arc<Mutex<Shared>>,
    len: u64,
}

struct Shared {
    file: File,
    columns: Vec<Column>,
}

/// The place of a column's pages, and the piece of it that was read last.
struct Column {
    place: Range<u64>,
    piece: Bytes,
    piece_at: u64,
}

impl ReadAhead {
    /// Reads a file in which the pages of each column are in one of these places.
    pub(crate) fn new(file: File, places: impl Iterator<Item = Range<u64>>) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let column = |place: Range<u64>| {
            let place = place.start.min(len)..place.end.min(len);
            Column { place, piece: Bytes::new(), piece_at: 0 }
        };
        let shared = Shared { file, columns: places.map(column).collect() };
        Ok(Self { shared: Arc::new(Mutex::new(shared)), len })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Returns at least `least` bytes, or what is left of the file.
    fn at(&mut self, start: u64, least: usize) -> io::Result<Bytes> {
        let Self { file, columns } = self;
        let Some(column) = columns.iter_mut().find(|column| column.place.contains(&start)) else {
            return read(file, start, PIECE.max(least as u64));
        };
        if let Some(rest) = column.rest(start).filter(|rest| rest.len() >= least) {
            return Ok(rest);
        }
        let length = PIECE.min(column.place.end - start).max(least as u64);
        column.piece = read(file, start, length)?;
        column.piece_at = start;
        Ok(column.piece.clone())
    }
}

impl Column {
    /// Returns the bytes of the piece from `start` on.
    fn rest(&self, start: u64) -> Option<Bytes> {
        let from = usize::try_from(start.checked_sub(self.piece_at)?).ok()?;
        (from < self.piece.len()).then(|| self.piece.slice(from..))
    }
}

fn read(mut file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

impl Length for ReadAhead {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for ReadAhead {
    type T = Reader;

    fn get_read(&self, start: u64) -> Result<Reader> {
        Ok(Reader { file: self.clone(), bytes: Bytes::new(), next: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.shared().at(start, length)?;
        if bytes.len() < length {
            return Err(Error::EOF(format!("{length} bytes at {start} go beyond the end of the file")));
        }
        Ok(bytes.slice(..length))
    }
}

/// The bytes of a file from some place on.
pub(crate) struct Reader {
    file: ReadAhead,
    bytes: Bytes,
    /// The place behind `bytes`.
    next: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            self.bytes = self.file.shared().at(self.next, 1)?;
            self.next += self.bytes.len() as u64;
        }
        let length = buffer.len().min(self.bytes.len());
        self.bytes.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Neighbouring columns, one that lies apart, and one beyond the end of the file.
    fn opened() -> (Vec<u8>, ReadAhead) {
        let bytes: Vec<u8> =
            (0..1_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("space");
        let places = [4..300_000, 300_000..300_001, 500_000..900_000, 999_000..2_000_000];
        (bytes, ReadAhead::new(file, places.into_iter()).expect("a file"))
    }

    #[test]
    fn pieces_are_those_of_the_file_in_any_order() {
        let (bytes, file) = opened();
        let mut random = 7_usize;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (start, length) = ((random >> 20) % bytes.len(), (random >> 45) % 40_000);
            let end = start + length;
            match file.get_bytes(start as u64, length) {
                Ok(read) => assert_eq!(read, bytes[start..end]),
                Err(error) => {
                    assert!(end > bytes.len() && error.to_string().contains("beyond the end"), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_reader_goes_on_behind_its_piece_and_its_column() {
        let (bytes, file) = opened();
        for start in [0, 4, 100, 299_999, 499_990, 899_999] {
            let mut read = vec![0; 100_000.min(bytes.len() - start)];
            file.get_read(start as u64)
                .and_then(|mut reader| Ok(reader.read_exact(&mut read)?))
                .expect("bytes");
            assert_eq!(read, bytes[start..start + read.len()]);
        }
        let mut rest = Vec::new();
        file.get_read(999_990).expect("bytes").read_to_end(&mut rest).expect("bytes");
        assert_eq!(rest, bytes[999_990..]);
    }
}
