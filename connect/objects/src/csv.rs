//! Lines of comma-separated values.

use std::fmt;
use std::marker::PhantomData;

use csv::{ReaderBuilder, StringRecord};
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use crate::decode::Decode;

/// Decodes lines of comma-separated values, whose names are in the first line of the object; empty lines are skipped.
///
/// See the example of [`Objects`](crate::Objects).
pub struct Csv<T> {
    pub(crate) makes: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + 'static> Decode for Csv<T> {
    type Item = T;
    /// The names of the fields, or the error of every line without them.
    type Header = Result<StringRecord, String>;

    const HAS_HEADER: bool = true;

    fn header(&self, line: &[u8]) -> Self::Header {
        let names = record(line).map_err(|error| error.to_string())?;
        names.ok_or_else(|| NO_NAMES.to_owned())
    }

    fn decode(&self, line: &[u8], header: Option<&Self::Header>) -> Result<Option<T>, BoxError> {
        let Some(record) = record(line)? else { return Ok(None) };
        let names = header.ok_or(NO_NAMES)?.as_ref().map_err(String::as_str)?;
        if record.len() != names.len() {
            return Err(format!("found {} fields, expected {}", record.len(), names.len()).into());
        }
        Ok(Some(record.deserialize(Some(names))?))
    }
}

const NO_NAMES: &str = "the first line, which names the fields, is empty";

/// Reads the record of a line; `None` if the line is empty.
fn record(line: &[u8]) -> Result<Option<StringRecord>, BoxError> {
    if line.iter().fold(0_u8, |odd, byte| odd ^ u8::from(*byte == b'"')) == 1 {
        return Err(
            "a quote is not closed in its line; records with line ends within quotes cannot be split".into(),
        );
    }
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len().max(1)).from_reader(line);
    let mut record = StringRecord::new();
    Ok(reader.read_record(&mut record)?.then_some(record))
}

impl<T> Clone for Csv<T> {
    fn clone(&self) -> Self {
        Self { makes: PhantomData }
    }
}

impl<T> fmt::Debug for Csv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv").finish_non_exhaustive()
    }
}
