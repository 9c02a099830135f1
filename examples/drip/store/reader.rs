//! Reads an object in pieces of the requested size, however the storage delivers them.

use std::fs::File;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{GetResult, GetResultPayload};

use super::{Storage, StoreError};

/// The object ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// Number of bytes it had.
    pub found: usize,
}

/// Reads one object from start to end.
///
/// An object in a folder is read where the reader is polled, without a thread switch: poll it on a thread
/// that may block.
pub struct Reader {
    storage: Storage,
    key: String,
    size: u64,
    source: Source,
}

enum Source {
    File(File),
    Stream { stream: BoxStream<'static, object_store::Result<Bytes>>, rest: Bytes },
}

impl Reader {
    pub(super) fn new(storage: Storage, key: &str, object: GetResult) -> Self {
        let size = object.meta.size;
        let source = match object.payload {
            GetResultPayload::File(file, _) => Source::File(file),
            payload @ GetResultPayload::Stream(_) => {
                let object = GetResult { payload, ..object };
                Source::Stream { stream: object.into_stream(), rest: Bytes::new() }
            }
        };
        Self { storage, key: key.to_owned(), size, source }
    }

    /// Size of the whole object in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Replaces the content of `into` with the next `len` bytes, or with fewer at the end of the object.
    ///
    /// # Errors
    /// Any error of the storage; `Ok(Err(Short))` if the object ended early.
    pub async fn read(&mut self, into: &mut Vec<u8>, len: usize) -> Result<Result<(), Short>, StoreError> {
        into.clear();
        match &mut self.source {
            Source::File(file) => {
                let read = read_file(file, into, len);
                read.map_err(|error| self.storage.io_error("read", &self.key, error))?;
            }
            Source::Stream { stream, rest } => {
                let read = read_stream(stream, rest, into, len).await;
                read.map_err(|error| self.storage.error("read", &self.key, error))?;
            }
        }
        let found = into.len();
        Ok(if found == len { Ok(()) } else { Err(Short { found }) })
    }
}

fn read_file(file: &mut File, into: &mut Vec<u8>, len: usize) -> io::Result<()> {
    into.reserve_exact(len);
    file.take(len as u64).read_to_end(into).map(drop)
}

async fn read_stream(
    stream: &mut BoxStream<'static, object_store::Result<Bytes>>,
    rest: &mut Bytes,
    into: &mut Vec<u8>,
    len: usize,
) -> object_store::Result<()> {
    while into.len() < len {
        if rest.is_empty() {
            match stream.next().await {
                Some(bytes) => *rest = bytes?,
                None => break,
            }
        }
        let taken = rest.len().min(len - into.len());
        into.extend_from_slice(&rest[..taken]);
        rest.advance(taken);
    }
    Ok(())
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Location;
    use super::*;

    async fn reads_in_steps(storage: &Storage) {
        let mut writer = storage.write("ab/object", 10);
        writer.write(Bytes::from_static(b"0123456789")).await.unwrap();
        writer.finish().await.unwrap();
        let mut reader = storage.read("ab/object").await.unwrap();
        let mut bytes = Vec::new();
        assert_eq!(reader.size(), 10);
        assert_eq!(reader.read(&mut bytes, 4).await.unwrap(), Ok(()));
        assert_eq!(bytes, b"0123");
        assert_eq!(reader.read(&mut bytes, 4).await.unwrap(), Ok(()));
        assert_eq!(bytes, b"4567");
        assert_eq!(reader.read(&mut bytes, 4).await.unwrap(), Err(Short { found: 2 }));
        assert_eq!(bytes, b"89");
    }

    #[tokio::test]
    async fn an_object_in_a_folder_is_read_in_steps_and_its_early_end_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        reads_in_steps(&Storage::open(&Location::Folder(folder.path().into())).unwrap()).await;
    }

    #[tokio::test]
    async fn a_streamed_object_is_read_in_steps_and_its_early_end_is_reported() {
        reads_in_steps(&Storage::in_memory()).await;
    }
}
