//! Reads a file, and reports one that becomes shorter meanwhile: what is left of it would end within a record.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// A file from some byte on.
#[derive(Debug)]
pub(super) struct FileInput {
    file: File,
    at: u64,
    /// The size it had when it was looked at first; pipes have none, nor do files that are empty or that the
    /// kernel makes up.
    size: Option<u64>,
}

impl FileInput {
    /// Opens the file at byte `at`. It has this size, or the one that it has now.
    pub(super) fn open(path: &Path, at: u64, size: Option<u64>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = match size {
            Some(size) => Some(size),
            None => {
                Some(file.metadata()?).filter(|file| file.is_file() && file.len() > 0).map(|file| file.len())
            }
        };
        if at > 0 {
            file.seek(SeekFrom::Start(at))?;
        }
        Ok(Self { file, at, size })
    }

    /// The file ended. Whether it should have gone on.
    ///
    /// A file of sysfs says that it has a size of one page and gives less: it has not changed, and ends there.
    fn is_too_short(&mut self) -> io::Result<Option<u64>> {
        let Some(size) = self.size.filter(|size| self.at < *size) else {
            return Ok(None);
        };
        let is_shorter = self.file.metadata()?.len() < size;
        let has_more_after_all = self.file.read(&mut [0])? > 0;
        Ok((is_shorter || has_more_after_all).then_some(size))
    }
}

impl Read for FileInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.at += u64::try_from(read).unwrap_or(u64::MAX);
        if read == 0
            && !into.is_empty()
            && let Some(size) = self.is_too_short()?
        {
            let said = format!("the file became shorter while it was read: it had {size} bytes");
            return Err(io::Error::new(ErrorKind::UnexpectedEof, said));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error_and_one_that_grows_is_read_on() {
        let (_folder, path) = file(b"0123456789");
        let mut input = FileInput::open(&path, 2, None).unwrap();
        let mut grown = FileInput::open(&path, 0, Some(10)).unwrap();
        let mut four = [0; 4];
        input.read_exact(&mut four).unwrap();
        std::fs::write(&path, b"0123456789abc").unwrap();
        let mut all = String::new();
        grown.read_to_string(&mut all).unwrap();
        assert_eq!((&four, all.as_str()), (b"2345", "0123456789abc"));
        OpenOptions::new().write(true).open(&path).unwrap().set_len(7).unwrap();
        let error = input.read_to_string(&mut String::new()).unwrap_err();
        assert_eq!(error.to_string(), "the file became shorter while it was read: it had 10 bytes");
        // Nor does a part of it that begins behind its new end pass for an empty one.
        let mut behind = FileInput::open(&path, 9, Some(10)).unwrap();
        assert!(behind.read(&mut four).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_that_the_kernel_makes_up_end_where_they_end() {
        for path in ["/proc/self/stat", "/sys/kernel/mm/transparent_hugepage/enabled"] {
            if Path::new(path).exists() {
                let mut text = String::new();
                FileInput::open(Path::new(path), 0, None).unwrap().read_to_string(&mut text).unwrap();
                assert!(!text.is_empty());
            }
        }
    }
}
