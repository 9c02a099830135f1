//! The position from which a restart goes on, in a file that is replaced as a whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::follow::folder_of;
use crate::generation::{Mark, Seen};

/// The first line of the file.
const FORMAT: &str = "stage-files checkpoint 1";

/// A position in a file that is known by its name, its inode and its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The name of the followed file, without its folder.
    pub(crate) name: String,
    pub(crate) inode: u64,
    /// The position behind the last line before which all are handled.
    pub(crate) offset: u64,
    /// The number of bytes that `sum` was made of.
    pub(crate) head: u64,
    pub(crate) sum: u64,
    /// The files that had the name before.
    pub(crate) earlier: Vec<Seen>,
}

impl Checkpoint {
    pub(crate) fn at(path: &Path, mark: &Mark) -> Self {
        let head = mark.generation.head(mark.offset);
        Self {
            name: name_of(path),
            inode: mark.generation.inode,
            offset: mark.offset,
            head: head.len() as u64,
            sum: sum(&head),
            earlier: mark.generation.earlier.clone(),
        }
    }

    /// Reads a checkpoint; `None` if there is no file.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `InvalidData` if the file is none of this format.
    pub(crate) fn load(path: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let checkpoint = Self::parse(&text).map(Some);
        checkpoint.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not a checkpoint"))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) {
            return None;
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let checkpoint = Self {
            name: field("file")?.to_owned(),
            inode: field("inode")?.parse().ok()?,
            offset: field("offset")?.parse().ok()?,
            head: field("head")?.parse().ok()?,
            sum: u64::from_str_radix(field("sum")?, 16).ok()?,
            earlier: field("earlier")?.split_terminator(';').map(seen).collect::<Option<_>>()?,
        };
        field("end")?.is_empty().then_some(checkpoint)
    }

    fn text(&self) -> String {
        let Self { name, inode, offset, head, sum, earlier } = self;
        let seen = |Seen { inode, modified: (seconds, nanos) }: &Seen| format!("{inode},{seconds},{nanos};");
        let earlier: String = earlier.iter().map(seen).collect();
        format!(
            "{FORMAT}\nfile {name}\ninode {inode}\noffset {offset}\nhead {head}\nsum {sum:016x}\nearlier {earlier}\nend \n"
        )
    }

    /// Replaces the file: whenever it is read, it is the old or the new checkpoint.
    pub(crate) fn store(&self, path: &Path) -> io::Result<()> {
        let new = beside(path, ".new");
        let mut file = File::create(&new)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(folder_of(path))?.sync_all()
    }
}

fn seen(text: &str) -> Option<Seen> {
    let mut numbers = text.split(',');
    let mut number = || numbers.next()?.parse::<i128>().ok();
    let (inode, seconds, nanos) = (number()?, number()?, number()?);
    let modified = (seconds.try_into().ok()?, nanos.try_into().ok()?);
    Some(Seen { inode: inode.try_into().ok()?, modified })
}

/// Returns the name of a file in one line of text.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().escape_debug().to_string()
}

/// Returns the path with this ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(ending);
    path.into()
}

/// Returns a checksum (FNV-1a), which is the same on every machine.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_stored_and_any_other_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert_eq!(Checkpoint::load(&path).unwrap(), None);
        let name = name_of(Path::new("logs/a\nb c"));
        let earlier = vec![Seen { inode: u64::MAX, modified: (-1, 999_999_999) }; 2];
        let checkpoint = Checkpoint { name, inode: u64::MAX, offset: 7, head: 3, sum: sum(b"abc"), earlier };
        checkpoint.store(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), Some(checkpoint));
        let text = fs::read_to_string(&path).unwrap();
        for length in 0..text.len() - 1 {
            fs::write(&path, &text[..length]).unwrap();
            let error = Checkpoint::load(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length}");
        }
    }
}
