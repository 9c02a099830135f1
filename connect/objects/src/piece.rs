//! A range of an object that is being read.

use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::ObjectError;
use crate::objects::Object;

/// The number of bytes that are fetched at once for a line that ends behind its piece.
const MORE: u64 = 64 * 1024;
/// The number of bytes behind a piece that are fetched with it, in which most last lines end.
const BEHIND: u64 = 4 * 1024;

/// A range of an object that is being read.
pub(crate) struct Piece {
    store: Arc<dyn ObjectStore>,
    object: Object,
    /// The positions at which lines of this piece begin.
    range: Range<u64>,
    /// The bytes that were fetched and not cut into lines; the first of them is at `at` in the object.
    buffer: BytesMut,
    at: u64,
    /// The bytes of `buffer` that contain no line end.
    searched: usize,
    /// Whether the buffer begins with the end of a line of an earlier piece.
    within: bool,
    max_line: usize,
    fetch: Option<BoxFuture<'static, object_store::Result<Bytes>>>,
}

/// A line, and the position of its first byte.
pub(crate) struct Line {
    pub(crate) at: u64,
    pub(crate) bytes: Bytes,
}

impl Piece {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        object: Object,
        range: Range<u64>,
        max_line: usize,
    ) -> Self {
        // The byte before the piece shows whether a line begins with its first byte.
        let at = range.start.saturating_sub(1);
        let within = range.start > 0;
        Self { store, object, range, buffer: BytesMut::new(), at, searched: 0, within, max_line, fetch: None }
    }

    /// Returns whether it begins with the first byte of its object.
    pub(crate) const fn begins_object(&self) -> bool {
        self.range.start == 0
    }

    pub(crate) fn name(&self) -> String {
        self.object.path.to_string()
    }

    /// Returns the next line that begins in the piece.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Line>, ObjectError>> {
        loop {
            if let Some(fetch) = &mut self.fetch {
                let fetched = std::task::ready!(fetch.as_mut().poll(cx));
                self.fetch = None;
                match fetched {
                    Ok(bytes) if self.buffer.is_empty() => self.buffer = bytes.into(),
                    Ok(bytes) => self.buffer.extend_from_slice(&bytes),
                    Err(source) => {
                        let (object, at) = (self.name(), self.end());
                        return Poll::Ready(Err(ObjectError::Read { object, at, source }));
                    }
                }
            }
            if self.at >= self.range.end {
                return Poll::Ready(Ok(None));
            }
            let end = memchr::memchr(b'\n', &self.buffer[self.searched..]).map(|end| self.searched + end);
            match end {
                Some(end) if self.within => self.skip(end + 1),
                Some(end) => return Poll::Ready(self.cut(end, end + 1).map(Some)),
                None if self.end() < self.object.size => {
                    if self.within {
                        self.skip_part();
                    } else {
                        self.searched = self.buffer.len();
                        self.check(self.searched)?;
                    }
                    if self.at < self.range.end {
                        self.fetch_more();
                    }
                }
                None if self.within || self.buffer.is_empty() => return Poll::Ready(Ok(None)),
                None => {
                    let end = self.buffer.len();
                    return Poll::Ready(self.cut(end, end).map(Some));
                }
            }
        }
    }

    /// Returns the position behind the buffer.
    fn end(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    fn fetch_more(&mut self) {
        let from = self.end();
        let to = self.range.end.saturating_add(BEHIND).max(from.saturating_add(MORE));
        let (store, path, range) =
            (Arc::clone(&self.store), self.object.path.clone(), from..to.min(self.object.size));
        self.fetch = Some(Box::pin(async move { store.get_range(&path, range).await }));
    }

    /// Skips the rest of a line that began in an earlier piece.
    fn skip(&mut self, bytes: usize) {
        let _ = self.buffer.split_to(bytes);
        self.at += bytes as u64;
        (self.searched, self.within) = (0, false);
    }

    /// Skips a part of such a line, which goes on.
    fn skip_part(&mut self) {
        self.at = self.end();
        self.buffer.clear();
        self.searched = 0;
    }

    fn cut(&mut self, end: usize, next: usize) -> Result<Line, ObjectError> {
        self.check(end)?;
        let at = self.at;
        let mut bytes = self.buffer.split_to(next).freeze();
        bytes.truncate(end);
        if next > end && bytes.last() == Some(&b'\r') {
            bytes.truncate(end - 1);
        }
        self.at += next as u64;
        self.searched = 0;
        Ok(Line { at, bytes })
    }

    fn check(&self, length: usize) -> Result<(), ObjectError> {
        if length <= self.max_line {
            return Ok(());
        }
        Err(ObjectError::TooLong { object: self.name(), at: self.at, most: self.max_line })
    }
}
