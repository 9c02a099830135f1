//! The source of uploads: the starter finds files and cuts them into chunks; the sealing stage opens and
//! reads them.
//!
//! Thus a chunk is read on the thread that seals it, and is still in that processor's cache.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use stage_core::piecewise::{self, CutPieces};

use super::{Lease, Unread, source};
use crate::buffer::{Buffer, Buffers};
use crate::repository::{Attributes, Kind, Transfer, to_bytes};
use crate::seal::CHUNK;
use crate::transfer::Failure;
use crate::walk::attributes;

/// Finds local files and determines their numbers of chunks.
#[derive(Debug, Clone, Default)]
pub struct Files {
    buffers: Buffers,
}

/// A file that was found but is not opened yet.
#[derive(Debug)]
pub struct Found {
    size: u64,
    /// The target and the metadata of a link, for which there is nothing to open.
    link: Option<(PathBuf, Metadata)>,
    buffers: Buffers,
}

/// A file that is being read.
#[derive(Debug)]
pub struct OpenFile {
    source: Source,
    /// Remaining bytes of the size at the time the file was found.
    left: u64,
    /// The next chunk, if it was read ahead.
    ahead: Option<Result<Buffer, Failure>>,
    buffers: Buffers,
}

#[derive(Debug)]
enum Source {
    /// A regular file, and its metadata when it was opened.
    File(File, Metadata),
    /// A symbolic link, already read.
    Link(PathBuf, Metadata),
}

/// A file that is being cut.
#[derive(Debug)]
pub enum Cut {
    /// Number of chunks still to announce.
    BySize(u64),
    /// A file without a size of its own, as in `/proc`: only reading it shows where it ends.
    ByReading(Box<OpenFile>),
    /// Content that was read at once: the target of a symbolic link.
    Read(Buffer),
}

/// What follows in a file.
type Next = piecewise::Cut<Unread>;

impl CutPieces for Files {
    type Whole = Lease;
    type Out = Unread;
    type Open = Cut;
    type Error = Failure;

    async fn open(&mut self, lease: &Lease) -> Result<(Cut, Found), Failure> {
        Self::open(self, &lease.transfer)
    }

    async fn next(&mut self, _: &Lease, cut: &mut Cut) -> Result<Next, Failure> {
        cut.next()
    }
}

impl Files {
    /// Finds a file. May block.
    fn open(&self, transfer: &Transfer) -> Result<(Cut, Found), Failure> {
        if let Kind::Symlink { .. } = transfer.media.attributes.kind {
            return self.open_link(transfer);
        }
        let metadata = fs::metadata(&transfer.path).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(Failure::permanent("it is no longer a regular file"));
        }
        let cut = match metadata.len() {
            0 => Cut::ByReading(Box::new(OpenFile::open(transfer, u64::MAX, self.buffers.clone())?)),
            size => Cut::BySize(size.div_ceil(CHUNK as u64)),
        };
        Ok((cut, Found { size: metadata.len(), link: None, buffers: self.buffers.clone() }))
    }

    fn open_link(&self, transfer: &Transfer) -> Result<(Cut, Found), Failure> {
        let (target, metadata) = source::read_link(transfer).map_err(|error| unreadable(&error))?;
        let mut chunk = self.buffers.take();
        chunk.extend_from_slice(&to_bytes(&target));
        let size = chunk.len() as u64;
        Ok((Cut::Read(chunk), Found { size, link: Some((target, metadata)), buffers: self.buffers.clone() }))
    }
}

impl Cut {
    /// Returns the next chunk, as far as it is known, or the end. May block.
    fn next(&mut self) -> Result<Next, Failure> {
        match self {
            Self::BySize(0) => Ok(Next::End(())),
            Self::BySize(left) => {
                *left -= 1;
                Ok(Next::Next(None))
            }
            Self::ByReading(file) => {
                let chunk = file.read()?;
                let nothing = chunk.is_empty();
                // All chunks but the last are full; bytes appended from now on are ignored.
                if chunk.len() < CHUNK {
                    *self = Self::BySize(0);
                }
                Ok(if nothing { Next::End(()) } else { Next::Next(Some(chunk)) })
            }
            Self::Read(_) => match std::mem::replace(self, Self::BySize(0)) {
                Self::Read(chunk) if !chunk.is_empty() => Ok(Next::Next(Some(chunk))),
                _ => Ok(Next::End(())),
            },
        }
    }
}

impl Found {
    /// Opens the file of `transfer`. May block.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    pub fn open(self, transfer: &Transfer) -> Result<OpenFile, Failure> {
        match self.link {
            Some((target, metadata)) => {
                let source = Source::Link(target, metadata);
                Ok(OpenFile { source, left: self.size, ahead: None, buffers: self.buffers })
            }
            None => OpenFile::open(transfer, self.size, self.buffers),
        }
    }
}

impl OpenFile {
    fn open(transfer: &Transfer, left: u64, buffers: Buffers) -> Result<Self, Failure> {
        let (file, metadata) = source::open(transfer).map_err(|error| unreadable(&error))?;
        Ok(Self { source: Source::File(file, metadata), left, ahead: None, buffers })
    }

    /// Returns the attributes that the file had during the whole read. May block.
    ///
    /// # Errors
    /// [`Failure::Passing`] if it changed meanwhile: the bytes read may mix old and new content.
    pub fn attributes(&self, transfer: &Transfer) -> Result<Attributes, Failure> {
        let found = &transfer.media.attributes;
        match &self.source {
            Source::File(file, before) => {
                let after = file.metadata().map_err(|error| unreadable(&error))?;
                if stamp(before) != stamp(&after) {
                    return Err(Failure::passing("it changed while it was read"));
                }
                Ok(attributes(found.kind.clone(), before, &found.folder_modes))
            }
            Source::Link(target, metadata) => {
                let kind = Kind::Symlink { target: target.clone() };
                Ok(attributes(kind, metadata, &found.folder_modes))
            }
        }
    }

    /// Returns the next chunk: the one passed along, the one read ahead, or else one read now. May block.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    pub fn chunk(&mut self, came_along: Option<Buffer>) -> Result<Buffer, Failure> {
        match came_along {
            Some(chunk) => Ok(chunk),
            None => self.ahead.take().unwrap_or_else(|| self.read_whole()),
        }
    }

    /// Reads the next chunk ahead, if there is one. May block.
    pub fn read_ahead(&mut self) {
        if self.left > 0 && self.ahead.is_none() {
            self.ahead = Some(self.read_whole());
        }
    }

    fn read_whole(&mut self) -> Result<Buffer, Failure> {
        let expected = self.left.min(CHUNK as u64);
        let chunk = self.read()?;
        if (chunk.len() as u64) < expected {
            return Err(Failure::passing("it shrank while it was read"));
        }
        Ok(chunk)
    }

    /// Reads the next chunk. Bytes appended meanwhile are ignored, so that reading a growing file ends.
    fn read(&mut self) -> Result<Buffer, Failure> {
        let limit = self.left.min(CHUNK as u64);
        let mut chunk = self.buffers.take();
        if let Source::File(file, _) = &mut self.source {
            let read = file.take(limit).read_to_end(&mut chunk).map_err(|error| unreadable(&error))?;
            self.left -= read as u64;
        }
        Ok(chunk)
    }
}

/// Values that change with every write to a file.
fn stamp(metadata: &Metadata) -> (u64, i64, i64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec())
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::of_io("cannot be read", error)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::repository::testing::transfer;

    fn opened(path: &Path) -> Result<(Cut, OpenFile), Failure> {
        let transfer = transfer(path.to_str().unwrap());
        let (cut, found) = Files::default().open(&transfer)?;
        Ok((cut, found.open(&transfer)?))
    }

    fn chunks((mut cut, mut file): (Cut, OpenFile)) -> Result<Vec<Vec<u8>>, Failure> {
        let mut chunks = Vec::new();
        while let Next::Next(chunk) = cut.next()? {
            chunks.push(file.chunk(chunk)?.to_vec());
            file.read_ahead();
        }
        Ok(chunks)
    }

    #[test]
    fn only_the_last_chunk_of_a_file_is_short() {
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
        let Next::Next(Some(chunk)) = cut.next().unwrap() else { panic!("no chunk") };
        assert_eq!(*chunk, b"some");
        std::fs::write(&path, "some and more").unwrap();
        assert!(matches!(cut.next().unwrap(), Next::End(())));
    }

    #[test]
    fn a_missing_file_is_not_retried() {
        let failure = opened(Path::new("no/such/file")).unwrap_err();
        assert!(matches!(failure, Failure::Permanent(_)), "{failure}");
    }

    #[test]
    fn data_appended_while_a_file_is_read_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "first").unwrap();
        let open = opened(&path).unwrap();
        std::fs::write(&path, "first and more").unwrap();
        assert_eq!(chunks(open).unwrap(), [b"first".to_vec()]);
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_fails_and_is_retried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "long enough").unwrap();
        let open = opened(&path).unwrap();
        std::fs::write(&path, "short").unwrap();
        let failure = chunks(open).unwrap_err();
        assert!(matches!(failure, Failure::Passing(_)), "{failure}");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_must_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "content").unwrap();
        let transfer = transfer(path.to_str().unwrap());
        let (_, file) = opened(&path).unwrap();
        assert_eq!(file.attributes(&transfer).unwrap().mode, Some(stat_mode(&path)));
        let changed = File::options().write(true).open(&path).unwrap();
        changed.set_modified(std::time::UNIX_EPOCH).unwrap();
        let failure = file.attributes(&transfer).unwrap_err();
        assert!(
            matches!(failure, Failure::Passing(_)) && failure.to_string().contains("changed"),
            "{failure}"
        );
    }

    fn stat_mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn the_content_of_a_link_is_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        std::os::unix::fs::symlink("some/where", &path).unwrap();
        let mut transfer = transfer(path.to_str().unwrap());
        transfer.media.attributes.kind = Kind::Symlink { target: "before".into() };
        let (cut, found) = Files::default().open(&transfer).unwrap();
        let file = found.open(&transfer).unwrap();
        let kind = Kind::Symlink { target: "some/where".into() };
        assert_eq!(file.attributes(&transfer).unwrap().kind, kind);
        assert_eq!(chunks((cut, file)).unwrap(), [b"some/where".to_vec()]);
    }
}
