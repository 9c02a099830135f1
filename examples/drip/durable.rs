//! Makes files survive a power cut: their content, and their entries in the folders.
//!
//! Syncing many files one by one costs a commit of the file system's journal for each. A batch is synced by
//! one `syncfs` instead, which also writes all other pending data of that file system.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Batches of at most this many files are synced file by file.
const FEW: usize = 4;

/// Syncs `files` and their folders, up to `top` and its parent. Blocks.
///
/// # Errors
/// The operating system's error, also if a file is missing. The state of the disk is then unknown.
pub fn sync_files(files: &[PathBuf], top: &Path) -> io::Result<()> {
    if files.len() > FEW && cfg!(target_os = "linux") {
        return sync_file_systems(files);
    }
    match sync_each(files, top) {
        // A file or folder without read permission cannot be opened for syncing.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => sync_file_systems(files),
        synced => synced,
    }
}

/// Syncs a folder: the names in it, not the content of its files. Blocks.
///
/// # Errors
/// The operating system's error.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn sync_each(files: &[PathBuf], top: &Path) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for path in files {
        // The content of a symbolic link is stored in its folder.
        if fs::symlink_metadata(path)?.is_file() {
            File::open(path)?.sync_all()?;
        }
        let above = path.ancestors().skip(1);
        folders.extend(above.take_while(|folder| folder.starts_with(top)));
    }
    folders.into_iter().rev().try_for_each(sync_folder)?;
    match top.parent().map(sync_folder) {
        // A process that may not read the parent folder cannot have created `top` in it.
        Some(Err(error)) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn sync_file_systems(files: &[PathBuf]) -> io::Result<()> {
    let mut synced = BTreeSet::new();
    for path in files {
        if synced.insert(fs::symlink_metadata(path)?.dev()) {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            rustix::fs::syncfs(File::open(folder.unwrap_or(Path::new(".")))?)?;
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn sync_file_systems(files: &[PathBuf]) -> io::Result<()> {
    let top = files.first().and_then(|path| path.parent()).unwrap_or(Path::new("."));
    sync_each(files, top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_files_are_synced_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let files: Vec<_> = (0..2 * FEW).map(|number| folder.path().join(format!("sub/{number}"))).collect();
        for file in &files {
            fs::write(file, "x").unwrap();
        }
        sync_files(&files[..FEW], folder.path()).unwrap();
        sync_files(&files, folder.path()).unwrap();
        fs::remove_file(&files[0]).unwrap();
        for files in [&files[..FEW], &files] {
            assert_eq!(sync_files(files, folder.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
