//! The file that a download writes: private and under a temporary name until it is complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, Timespec, Timestamps, UTIME_OMIT};

use super::complete::{Complete, Content};
use super::place::Place;
use crate::repository::{Attributes, Kind, Transfer, TransferId};

/// Granularity of holes: a whole block of zeros.
const BLOCK: usize = 4096;

/// No system has longer link targets.
const LINK_MAX: u64 = 64 * 1024;

/// The temporary name beside `target` while `transfer` writes it.
pub fn temporary_name(target: &Path, transfer: TransferId) -> PathBuf {
    target.with_file_name(format!(".drip-{}.part", transfer.0.simple()))
}

/// A file that is being written; removed if dropped unfinished.
#[derive(Debug)]
pub struct Target {
    place: Place,
    attributes: Attributes,
    content: Writing,
    hasher: Box<blake3::Hasher>,
    size: u64,
}

#[derive(Debug)]
enum Writing {
    File {
        file: File,
        /// Number of pending zeros, which are skipped rather than written.
        hole: u64,
    },
    /// The target of a symbolic link.
    Link(Vec<u8>),
}

impl Target {
    /// Starts to write the file of `transfer`, creating missing folders. Links below the requested folder are
    /// not followed.
    ///
    /// # Errors
    /// The operating system's error, or an error if a component of the path is a link.
    pub fn create(transfer: &Transfer) -> io::Result<Self> {
        let attributes = transfer.media.attributes.clone();
        let place = Place::new(transfer);
        let parent = place.make_parent(&attributes.folder_modes)?;
        let content = match attributes.kind {
            Kind::Symlink { .. } if transfer.media.size <= LINK_MAX => Writing::Link(Vec::new()),
            Kind::Symlink { .. } => return Err(io::Error::other("the target of the link is too long")),
            Kind::File | Kind::Followed => Writing::File { file: place.create_temporary(&parent)?, hole: 0 },
        };
        Ok(Self { place, attributes, content, hasher: Box::default(), size: 0 })
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.content {
            Writing::Link(target) => target.extend_from_slice(bytes),
            Writing::File { file, hole } if self.attributes.sparse => write_sparse(file, hole, bytes)?,
            Writing::File { file, .. } => file.write_all(bytes)?,
        }
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Number of bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// BLAKE3 hash of the bytes written so far.
    pub fn checksum(&self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }

    /// Ends the writing: sets the file's permissions and time. It still has to be published under its final
    /// name.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn complete(self) -> io::Result<Complete> {
        let checksum = self.checksum();
        let Self { place, attributes, content, size, .. } = self;
        let times = times(&attributes);
        let content = match content {
            Writing::Link(target) => Content::Link { target, times },
            Writing::File { file, hole } => {
                if hole > 0 {
                    file.set_len(size)?;
                }
                // Without set-user-id and similar bits: the owner is not restored, so the file would grant
                // another user's rights.
                let mode = attributes.mode.map_or(0o600, |mode| mode & 0o777);
                rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
                if let Some(times) = times {
                    rustix::fs::futimens(&file, &times)?;
                }
                Content::File
            }
        };
        Ok(Complete { place, attributes, content, size, checksum })
    }
}

/// Writes all blocks that are not zero; `hole` counts the zeros skipped before `bytes`.
fn write_sparse(file: &mut File, hole: &mut u64, bytes: &[u8]) -> io::Result<()> {
    for block in bytes.chunks(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            *hole += block.len() as u64;
            continue;
        }
        if *hole > 0 {
            file.seek(SeekFrom::Current(i64::try_from(*hole).map_err(io::Error::other)?))?;
            *hole = 0;
        }
        file.write_all(block)?;
    }
    Ok(())
}

/// Returns the modification time to set; the access time is left unchanged.
fn times(attributes: &Attributes) -> Option<Timestamps> {
    const SECOND: i64 = 1_000_000_000;
    attributes.modified.map(|modified| Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: modified.div_euclid(SECOND),
            tv_nsec: modified.rem_euclid(SECOND),
        },
    })
}

/// Returns the BLAKE3 hash of a file.
///
/// # Errors
/// The operating system's error.
pub fn checksum_of(path: &Path) -> io::Result<[u8; 32]> {
    checksum_of_file(fs::File::open(path)?)
}

pub(super) fn checksum_of_file(mut file: File) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(*hasher.finalize().as_bytes()),
            read => hasher.update(&bytes[..read]),
        };
    }
}

pub(super) fn temporary_file_name(transfer: TransferId) -> OsString {
    temporary_name(Path::new("a"), transfer).into_os_string()
}
