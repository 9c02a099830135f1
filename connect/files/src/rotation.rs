//! The files that took a name after another one had it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::follow::folder_of;
use crate::generation::Seen;

/// A file in the folder of the followed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Packed files between the last one and this.
    pub(crate) packed: Vec<PathBuf>,
}

/// Returns the file with this inode in the folder of `path`.
pub(crate) fn find(path: &Path, inode: u64) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let is_it = entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.ino() == inode);
        if is_it {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// Returns the file that follows one that was last changed at `changed`: the earliest rotated one that is not `seen`, or the one
/// that has the name `path` now.
pub(crate) fn next(
    path: &Path,
    changed: SystemTime,
    seen: impl Fn(Seen) -> bool,
) -> io::Result<Option<Sibling>> {
    let (mut rotated, mut packed) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let Some(packing) = packing_of_rotation(path, &entry.path()) else { continue };
        // It may have been removed meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        let (inode, size) = (metadata.ino(), metadata.len());
        let at = metadata.modified()?;
        match packing {
            Packing::None if metadata.is_file() && at >= changed && !seen(Seen::of(&metadata)) => {
                rotated.push((at, Sibling { path: entry.path(), inode, size, packed: Vec::new() }));
            }
            // Packers keep the time, so a packed file of the same time is the last one.
            Packing::Some if metadata.is_file() && at > changed => packed.push((at, entry.path())),
            Packing::None | Packing::Some => {}
        }
    }
    rotated.sort_by(|(one, a), (other, b)| (one, &a.path).cmp(&(other, &b.path)));
    if let Some((at, mut earliest)) = rotated.into_iter().next() {
        earliest.packed = packed.into_iter().filter(|(other, _)| *other < at).map(|(_, path)| path).collect();
        return Ok(Some(earliest));
    }
    match fs::metadata(path) {
        Ok(metadata) if seen(Seen::of(&metadata)) => Ok(None),
        Ok(metadata) => {
            let packed = packed.into_iter().map(|(_, path)| path).collect();
            Ok(Some(Sibling { path: path.to_owned(), inode: metadata.ino(), size: metadata.len(), packed }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Some,
}

/// Returns the packing of a file whose name is that of a rotated one: `app.log.1`, `app.log-20260131`, `app.log.2.gz`.
fn packing_of_rotation(path: &Path, other: &Path) -> Option<Packing> {
    let name = |path: &Path| path.file_name().map(|name| name.as_encoded_bytes().to_vec());
    let (name, other) = (name(path)?, name(other)?);
    let [b'.' | b'-', suffix @ ..] = other.strip_prefix(&name[..])? else { return None };
    let packed = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| suffix.strip_suffix(end.as_bytes()));
    let number = packed.unwrap_or(suffix);
    let belongs = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'.' | b'_' | b'T' | b':' | b'Z');
    let is_rotation = number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(belongs);
    is_rotation.then_some(packed.map_or(Packing::None, |_| Packing::Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_have_a_number_or_a_date_behind_the_name() {
        let followed = Path::new("logs/app.log");
        for name in ["app.log.1", "app.log.23", "app.log-20260131", "app.log.2026-01-31T10:00:00Z"] {
            assert_eq!(packing_of_rotation(followed, Path::new(name)), Some(Packing::None), "{name}");
        }
        for name in ["app.log.1.gz", "app.log-20260131.zst"] {
            assert_eq!(packing_of_rotation(followed, Path::new(name)), Some(Packing::Some), "{name}");
        }
        for name in ["app.log", "app.log.gz", "app.log.", "app.log.checkpoint", "app.log2", "other.log.1"] {
            assert_eq!(packing_of_rotation(followed, Path::new(name)), None, "{name}");
        }
    }
}
