//! Where uploads come from: files, found and cut into chunks by the starter, opened and read by whoever seals them.
//!
//! So a chunk is read on the thread that seals it, and still lies in that processor's cache then.

use std::fs::{self, File};
use std::io::{self, Read};

use crate::regular::open_regular;
use crate::repository::Transfer;
use crate::seal::CHUNK;
use crate::transfer::{Buffer, Buffers, Failure, Next, Shape, Source};

/// Finds the files of this machine, and says how many chunks they have.
#[derive(Debug, Clone, Default)]
pub struct Files {
    buffers: Buffers,
}

/// A file as it travels to whoever reads it.
#[derive(Debug)]
pub enum Unread {}

impl Shape for Unread {
    type Begin = Found;
    type Chunk = Option<Buffer>;
    type End = ();
}

/// A file that was found, and not opened yet.
#[derive(Debug)]
pub struct Found {
    size: u64,
    buffers: Buffers,
}

/// A file that is being read.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    /// Bytes that are left of those it had when it was found.
    left: u64,
    /// The next chunk, if it was read already.
    ahead: Option<Result<Buffer, Failure>>,
    buffers: Buffers,
}

/// A file that is being cut.
#[derive(Debug)]
pub enum Cut {
    /// So many chunks are still to be announced.
    BySize(u64),
    /// It has no size of its own, as in `/proc`: only to read it shows where it ends.
    ByReading(OpenFile),
}

impl Source for Files {
    type Shape = Unread;
    type Open = Cut;

    fn open(&mut self, transfer: &Transfer) -> Result<(Cut, Found), Failure> {
        let metadata = fs::metadata(&transfer.path).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(Failure::permanent("it is not a regular file any more"));
        }
        let cut = match metadata.len() {
            0 => Cut::ByReading(OpenFile::open(transfer, u64::MAX, self.buffers.clone())?),
            size => Cut::BySize(size.div_ceil(CHUNK as u64)),
        };
        Ok((cut, Found { size: metadata.len(), buffers: self.buffers.clone() }))
    }

    fn next(&mut self, cut: &mut Cut) -> Result<Next<Unread>, Failure> {
        match cut {
            Cut::BySize(0) => Ok(Next::End(())),
            Cut::BySize(left) => {
                *left -= 1;
                Ok(Next::Chunk(None))
            }
            Cut::ByReading(file) => {
                let chunk = file.read()?;
                let nothing = chunk.is_empty();
                // All chunks but the last are full; what is appended from now on is not taken.
                if chunk.len() < CHUNK {
                    *cut = Cut::BySize(0);
                }
                Ok(if nothing { Next::End(()) } else { Next::Chunk(Some(chunk)) })
            }
        }
    }
}

impl Found {
    /// Opens the file of `transfer`. May block.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(self, transfer: &Transfer) -> Result<OpenFile, Failure> {
        OpenFile::open(transfer, self.size, self.buffers)
    }
}

impl OpenFile {
    fn open(transfer: &Transfer, left: u64, buffers: Buffers) -> Result<Self, Failure> {
        let (file, _) = open_regular(&transfer.path).map_err(|error| unreadable(&error))?;
        Ok(Self { file, left, ahead: None, buffers })
    }

    /// The next chunk, read now unless it was read ahead or came along. May block.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn chunk(&mut self, came_along: Option<Buffer>) -> Result<Buffer, Failure> {
        match came_along {
            Some(chunk) => Ok(chunk),
            None => self.ahead.take().unwrap_or_else(|| self.read_whole()),
        }
    }

    /// Reads the chunk that is next, if there is one. May block.
    pub fn read_ahead(&mut self) {
        if self.left > 0 && self.ahead.is_none() {
            self.ahead = Some(self.read_whole());
        }
    }

    fn read_whole(&mut self) -> Result<Buffer, Failure> {
        let expected = self.left.min(CHUNK as u64);
        let chunk = self.read()?;
        if (chunk.len() as u64) < expected {
            return Err(Failure::passing("it became shorter while it was read"));
        }
        Ok(chunk)
    }

    /// What is appended meanwhile is not taken: a file that grows has an end, too.
    fn read(&mut self) -> Result<Buffer, Failure> {
        let limit = self.left.min(CHUNK as u64);
        let mut chunk = self.buffers.take();
        let read =
            (&mut self.file).take(limit).read_to_end(&mut chunk).map_err(|error| unreadable(&error))?;
        self.left -= read as u64;
        Ok(chunk)
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::of_io("cannot be read", error)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::transfer::testing::transfer;

    fn opened(path: &Path) -> Result<(Cut, OpenFile), Failure> {
        let transfer = transfer(path.to_str().unwrap());
        let (cut, found) = Files::default().open(&transfer)?;
        Ok((cut, found.open(&transfer)?))
    }

    fn chunks((mut cut, mut file): (Cut, OpenFile)) -> Result<Vec<Vec<u8>>, Failure> {
        let mut files = Files::default();
        let mut chunks = Vec::new();
        while let Next::Chunk(chunk) = files.next(&mut cut)? {
            chunks.push(file.chunk(chunk)?.to_vec());
            file.read_ahead();
        }
        Ok(chunks)
    }

    #[test]
    fn a_file_is_cut_into_chunks_of_which_only_the_last_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..251).cycle().take(2 * CHUNK + 5).collect();
        std::fs::write(&path, &content).unwrap();
        let chunks = chunks(opened(&path).unwrap()).unwrap();
        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [CHUNK, CHUNK, 5]);
        assert_eq!(chunks.concat(), content);
    }

    #[test]
    fn an_empty_file_has_no_chunk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        assert!(chunks(opened(&path).unwrap()).unwrap().is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_without_a_size_is_read_to_its_end() {
        let path = Path::new("/proc/self/maps");
        assert_eq!(path.metadata().unwrap().len(), 0);
        let chunks = chunks(opened(path).unwrap()).unwrap();
        assert!(!chunks.is_empty());
        assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
    }

    #[test]
    fn a_file_that_was_empty_and_grows_between_two_chunks_ends_with_the_first_short_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "").unwrap();
        let (mut cut, _) = opened(&path).unwrap();
        std::fs::write(&path, "some").unwrap();
        let mut files = Files::default();
        let Next::Chunk(Some(chunk)) = files.next(&mut cut).unwrap() else { panic!("no chunk") };
        assert_eq!(*chunk, b"some");
        std::fs::write(&path, "some and more").unwrap();
        assert!(matches!(files.next(&mut cut).unwrap(), Next::End(())));
    }

    #[test]
    fn a_missing_file_is_not_tried_again() {
        let failure = opened(Path::new("no/such/file")).unwrap_err();
        assert!(matches!(failure, Failure::Permanent(_)), "{failure}");
    }

    #[test]
    fn what_is_appended_while_a_file_is_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "first").unwrap();
        let open = opened(&path).unwrap();
        std::fs::write(&path, "first and more").unwrap();
        assert_eq!(chunks(open).unwrap(), [b"first".to_vec()]);
    }

    #[test]
    fn a_file_that_becomes_shorter_while_it_is_read_fails_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "long enough").unwrap();
        let open = opened(&path).unwrap();
        std::fs::write(&path, "short").unwrap();
        let failure = chunks(open).unwrap_err();
        assert!(matches!(failure, Failure::Passing(_)), "{failure}");
    }
}
