//! Where uploads come from: files, read chunk by chunk.

use std::fs::File;
use std::io::{self, Read};

use crate::repository::Transfer;
use crate::seal::CHUNK;
use crate::transfer::{Buffers, Clear, Failure, Next, Source};

/// Reads the files of this machine.
#[derive(Debug, Clone, Default)]
pub struct Files {
    buffers: Buffers,
}

/// A file that is being read.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    /// Bytes it had when it was opened. None for what has no size of its own, as in `/proc`: that is read to its end.
    size: Option<u64>,
    read: u64,
}

impl Source for Files {
    type Shape = Clear;
    type Open = OpenFile;

    fn open(&mut self, transfer: &Transfer) -> Result<(OpenFile, ()), Failure> {
        let file = File::open(&transfer.path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(Failure::permanent("it is not a regular file any more"));
        }
        let size = Some(metadata.len()).filter(|size| *size > 0);
        Ok((OpenFile { file, size, read: 0 }, ()))
    }

    fn next(&mut self, open: &mut OpenFile) -> Result<Next<Clear>, Failure> {
        // What is appended meanwhile is not taken: a file that grows has an end, too.
        let left = open.size.map_or(u64::MAX, |size| size - open.read);
        let mut buffer = self.buffers.take();
        let limit = left.min(CHUNK as u64);
        let read =
            (&mut open.file).take(limit).read_to_end(&mut buffer).map_err(|error| unreadable(&error))? as u64;
        open.read += read;
        match open.size {
            Some(_) if read < limit => Err(Failure::passing("it became shorter while it was read")),
            _ if read == 0 => Ok(Next::End(())),
            _ => Ok(Next::Chunk(buffer)),
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::TimedOut => {
            Failure::passing(format!("cannot be read: {error}"))
        }
        _ => Failure::permanent(format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::transfer::testing::transfer;

    fn opened(path: &Path) -> Result<OpenFile, Failure> {
        let transfer = transfer(path.to_str().unwrap());
        Files::default().open(&transfer).map(|(open, ())| open)
    }

    fn chunks(open: &mut OpenFile) -> Vec<Vec<u8>> {
        let mut files = Files::default();
        let mut chunks = Vec::new();
        while let Next::Chunk(chunk) = files.next(open).unwrap() {
            chunks.push(chunk.to_vec());
        }
        chunks
    }

    #[test]
    fn a_file_is_cut_into_chunks_of_which_only_the_last_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..251).cycle().take(2 * CHUNK + 5).collect();
        std::fs::write(&path, &content).unwrap();
        let chunks = chunks(&mut opened(&path).unwrap());
        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [CHUNK, CHUNK, 5]);
        assert_eq!(chunks.concat(), content);
    }

    #[test]
    fn an_empty_file_has_no_chunk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        assert!(chunks(&mut opened(&path).unwrap()).is_empty());
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
        let mut open = opened(&path).unwrap();
        std::fs::write(&path, "first and more").unwrap();
        assert_eq!(chunks(&mut open), [b"first".to_vec()]);
    }

    #[test]
    fn a_file_that_becomes_shorter_while_it_is_read_fails_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "long enough").unwrap();
        let mut open = opened(&path).unwrap();
        std::fs::write(&path, "short").unwrap();
        let failure = Files::default().next(&mut open).unwrap_err();
        assert!(matches!(failure, Failure::Passing(_)), "{failure}");
    }
}
