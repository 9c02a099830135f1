//! Decoders: turn the bytes of a record into an event.

use std::fmt;
use std::sync::Arc;

use stage_core::BoxError;

/// Decodes records into events.
pub trait Decode: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Item: Send + 'static;

    /// Decodes a record; returns `None` for a record to be skipped.
    #[doc(hidden)]
    fn decode(&self, record: &[u8]) -> Result<Option<Self::Item>, Undecodable>;
}

/// The reason why a record cannot be decoded.
#[derive(Debug)]
pub enum Undecodable {
    /// The record is not UTF-8 from this byte of it.
    NotText(usize),
    /// The record is not of the expected type at this byte of it, from 1; 0 for the record as a whole.
    Other(u64, BoxError),
}

/// Decodes records as text.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Decode for Text {
    type Item = String;

    fn decode(&self, record: &[u8]) -> Result<Option<String>, Undecodable> {
        match str::from_utf8(record) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(error) => Err(Undecodable::NotText(error.valid_up_to())),
        }
    }
}

/// Decodes records as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bytes;

impl Decode for Bytes {
    type Item = Vec<u8>;

    #[inline]
    fn decode(&self, record: &[u8]) -> Result<Option<Vec<u8>>, Undecodable> {
        Ok(Some(record.to_vec()))
    }
}

/// Makes an event of each record or item with a function, which borrows it.
pub struct By<F> {
    pub(crate) function: Arc<F>,
}

impl<F> Clone for By<F> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function) }
    }
}

impl<F> fmt::Debug for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").finish_non_exhaustive()
    }
}

impl<F, T> Decode for By<F>
where
    F: Fn(&[u8]) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = T;

    #[inline]
    fn decode(&self, record: &[u8]) -> Result<Option<T>, Undecodable> {
        Ok(Some((self.function)(record)))
    }
}
