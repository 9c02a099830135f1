//! One of the files that have the followed name one after the other.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use crate::checkpoint::sum;

/// The number of bytes by which a file is recognised, beside its inode.
const HEAD: usize = 256;

/// A file that was read to its end. Its inode may belong to another file once it is removed, which then has another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) inode: u64,
    /// The time of its last change, in seconds and nanoseconds.
    pub(crate) modified: (i64, i64),
}

impl Seen {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { inode: metadata.ino(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// A file from one truncation to the next. Its bytes do not change once they are written.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) inode: u64,
    /// Identifies the generation: no other one of this name has it, on this disk.
    pub(crate) id: u64,
    /// The files that had the name before, as far as they could be mistaken for later ones.
    pub(crate) earlier: Vec<Seen>,
    /// The first bytes, as far as they were read.
    head: Mutex<Vec<u8>>,
}

/// A position in a generation: behind a line.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) generation: Arc<Generation>,
    pub(crate) offset: u64,
}

impl Generation {
    pub(crate) fn new(metadata: &Metadata, head: Vec<u8>, earlier: Vec<Seen>) -> Arc<Self> {
        let (inode, id) = (metadata.ino(), id(metadata, &earlier));
        Arc::new(Self { inode, id, earlier, head: Mutex::new(head) })
    }

    /// Adds bytes that were read at a position.
    pub(crate) fn read(&self, at: u64, bytes: &[u8]) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if head.len() < HEAD && at == head.len() as u64 {
            let more = bytes.len().min(HEAD - head.len());
            head.extend_from_slice(&bytes[..more]);
        }
    }

    /// Returns the first bytes, at most those before a position.
    pub(crate) fn head(&self, before: u64) -> Vec<u8> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let length = usize::try_from(before).unwrap_or(usize::MAX).min(head.len());
        head[..length].to_vec()
    }
}

/// Returns a number for the file of these metadata behind the earlier ones. The inode of a removed file may be taken by
/// another one, which has another time of its creation where the file system records it.
fn id(metadata: &Metadata, earlier: &[Seen]) -> u64 {
    let created = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let created = created.unwrap_or_default();
    let mut bytes = [metadata.ino().to_le_bytes(), created.as_secs().to_le_bytes()].concat();
    bytes.extend(created.subsec_nanos().to_le_bytes());
    for Seen { inode, modified: (seconds, nanos) } in earlier {
        bytes.extend([inode.to_le_bytes(), seconds.to_le_bytes(), nanos.to_le_bytes()].concat());
    }
    sum(&bytes)
}

/// Returns the first bytes of a file before a position.
pub(crate) fn head_of(file: &File, before: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(before).unwrap_or(usize::MAX).min(HEAD);
    let mut head = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut head[read..], read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(read);
    Ok(head)
}

/// Returns the inode of an open file.
pub(crate) fn inode_of(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}
