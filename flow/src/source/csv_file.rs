//! Reads the records of one CSV file, and detects a quote that is never closed.
//!
//! The `csv` crate treats the end of the file as the end of a quoted field. Its dialect is configured by the
//! user and cannot be queried, so the file is followed by a few more bytes, the probe: a record terminator,
//! and two records of one field each. If the reader consumes more than the first of those at once, a quote
//! was open.

use std::io;
use std::path::PathBuf;

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, StringRecord};
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use super::ReadError;
use super::csv_input::{CsvInput, Refused, newlines};

/// A file that is being read.
pub(super) struct CsvFile {
    path: PathBuf,
    reader: Reader<CsvInput>,
    headers: Option<StringRecord>,
    record: ByteRecord,
    most: usize,
    probe: Vec<u8>,
    ended: bool,
}

/// The position of the reader after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the file, or after its last record.
    Within,
    /// After the first record of the probe: the file has ended.
    Probe,
    /// After the whole probe, which a quoted field or a comment of the file has swallowed.
    Beyond,
}

impl CsvFile {
    pub(super) fn open(path: PathBuf, builder: &ReaderBuilder, most: usize) -> Result<Self, ReadError> {
        let probe = probe(builder);
        let input = match CsvInput::open(&path, probe.clone()) {
            Ok(input) => input,
            Err(source) => return Err(ReadError::Open { path, source }),
        };
        let reader = builder.from_reader(input);
        let record = ByteRecord::new();
        let mut file = Self { path, reader, headers: None, record, most, probe, ended: false };
        if file.reader.has_headers() {
            file.allow_a_record();
            let read = file.reader.byte_headers().map(|names| file.record.clone_from(names));
            // A file without records has no header.
            if file.checked(read.map(|()| true))? {
                let names = file.reader.headers().cloned();
                file.headers = Some(names.map_err(|error| file.wrong(error))?);
            }
        }
        Ok(file)
    }

    /// Returns the next record, if there is one.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        self.allow_a_record();
        let read = self.reader.read_byte_record(&mut self.record);
        if !self.checked(read)? {
            return Ok(None);
        }
        let record = match StringRecord::from_byte_record(std::mem::take(&mut self.record)) {
            Ok(record) => record,
            Err(error) => {
                let field = error.utf8_error().field();
                let what = format!("the field{} is not UTF-8", self.name(field));
                let line = error.into_byte_record().position().map_or(0, Position::line);
                return Err(self.record_error(line, one_more(field), what));
            }
        };
        let made = record.deserialize(self.headers.as_ref());
        self.record = record.into_byte_record();
        made.map(Some).map_err(|error| self.wrong(error))
    }

    /// Called before a record is read: doubled quotes can make its bytes in the file twice as many as in its
    /// fields.
    fn allow_a_record(&mut self) {
        let at = self.reader.position().byte();
        self.reader.get_mut().allow(at, self.most.saturating_mul(2));
    }

    /// Returns whether the bytes read are a record of the file; its fields are in `record`.
    fn checked(&mut self, read: Result<bool, csv::Error>) -> Result<bool, ReadError> {
        if let Some(refused) = self.reader.get_mut().refused() {
            return Err(self.refused(refused));
        }
        match (self.place(), read) {
            (_, Ok(false)) | (Place::Probe, _) => {
                self.ended = true;
                Ok(false)
            }
            (Place::Beyond, _) => Err(self.unclosed()),
            (Place::Within, Err(error)) => Err(self.wrong(error)),
            (Place::Within, Ok(true)) if self.record.as_slice().len() > self.most => {
                Err(self.too_long(self.record.position().map_or(0, Position::byte)))
            }
            (Place::Within, Ok(true)) => Ok(true),
        }
    }

    fn place(&self) -> Place {
        let Some(size) = self.reader.get_ref().size() else { return Place::Within };
        let beyond = self.reader.position().byte().saturating_sub(size);
        // The first byte of the probe ends the last record of the file; two more are a record.
        if beyond <= 1 {
            Place::Within
        } else if beyond < wide(self.probe.len()) {
            Place::Probe
        } else {
            Place::Beyond
        }
    }

    /// Returns the error for a quote that is never closed: it begins the last field, which contains all lines
    /// to the end.
    ///
    /// The reader's own count misses lines within quotes if records end with a byte other than a newline.
    /// With such a terminator, a comment has no end either, and turns the rest of the file into an empty
    /// field.
    fn unclosed(&self) -> ReadError {
        let last = self.record.len().saturating_sub(1);
        let field = self.record.get(last).unwrap_or_default();
        // If spaces are trimmed, the end of the probe is trimmed too.
        let behind = field.strip_suffix(&*self.probe);
        let Some(behind) = behind.or_else(|| field.strip_suffix(self.probe.trim_ascii_end())) else {
            let line = self.record.position().map_or(0, Position::line);
            let what = "unterminated comment: records do not end in newlines";
            return self.record_error(line, 0, what.to_owned());
        };
        let line = self.reader.get_ref().newlines() + 1 - newlines(behind);
        self.record_error(line, one_more(last), "unterminated quote".to_owned())
    }

    fn too_long(&self, at: u64) -> ReadError {
        ReadError::TooLong { path: self.path.clone(), at, most: self.most }
    }

    fn refused(&self, refused: Refused) -> ReadError {
        match refused {
            Refused::Encoding(encoding) => ReadError::Encoding { path: self.path.clone(), encoding },
            Refused::TooLong(at) => self.too_long(at),
        }
    }

    fn record_error(&self, line: u64, column: u64, what: String) -> ReadError {
        ReadError::Record { path: self.path.clone(), line, column, source: what.into() }
    }

    /// Returns the error for a malformed record.
    fn wrong(&self, error: csv::Error) -> ReadError {
        let path = self.path.clone();
        let line = error.position().map_or(0, Position::line);
        let (column, source): (u64, BoxError) = match error.into_kind() {
            ErrorKind::Io(source) => {
                return ReadError::Read { path, at: self.reader.position().byte(), source };
            }
            ErrorKind::Utf8 { err, .. } => {
                (one_more(err.field()), format!("the field{} is not UTF-8", self.name(err.field())).into())
            }
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                (0, format!("found {len} fields, expected {expected_len}").into())
            }
            ErrorKind::Deserialize { err, .. } => {
                match err.field().and_then(|field| usize::try_from(field).ok()) {
                    Some(field) => {
                        (one_more(field), format!("the field{}: {}", self.name(field), err.kind()).into())
                    }
                    None => (0, err.kind().to_string().into()),
                }
            }
            _ => (0, io::Error::other("it cannot be read").into()),
        };
        ReadError::Record { path, line, column, source }
    }

    fn name(&self, field: usize) -> String {
        let name = self.headers.as_ref().and_then(|headers| headers.get(field));
        name.map(|name| format!(" `{name}`")).unwrap_or_default()
    }
}

fn one_more(field: usize) -> u64 {
    wide(field).saturating_add(1)
}

/// A `usize` always fits a `u64` on supported platforms.
fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Returns the probe: a record terminator, a field, a terminator, a field and a terminator in the dialect of
/// `builder`; then a newline, which ends a comment in any dialect. Empty if no byte ends a record.
///
/// The bytes are found by trial: of four letters, at most three can be the delimiter, the quote and the
/// comment character.
fn probe(builder: &ReaderBuilder) -> Vec<u8> {
    let found = b"abcd".iter().find_map(|&field| {
        // Every byte, none of which begins a field: only a record terminator ends the first record.
        let all: Vec<u8> = (0..=u8::MAX).flat_map(|byte| [field, byte]).collect();
        let end = first_record(builder, &all).and_then(|end| all.get(end.checked_sub(1)?))?;
        let probe = [*end, field, *end, field, *end, b'\n'];
        (first_record(builder, &probe) == Some(3)).then_some(probe)
    });
    found.map_or_else(Vec::new, Vec::from)
}

/// Returns the position at which the first record of a text ends.
fn first_record(builder: &ReaderBuilder, text: &[u8]) -> Option<usize> {
    let mut reader = builder.from_reader(text);
    reader.byte_headers().ok()?;
    usize::try_from(reader.position().byte()).ok()
}
