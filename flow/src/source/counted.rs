//! A reader of a packed file that tracks the position its decoder has reached.

use std::fmt::Write;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// Buffers `R` and counts the bytes taken from it. Keeps an error of `R` aside, since decoders wrap it in
/// messages of their own.
pub(super) struct Counted<R> {
    input: BufReader<R>,
    at: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(input: R) -> Self {
        let input = BufReader::with_capacity(64 * 1024, input);
        Self { input, at: 0, ended: false, error: None }
    }

    /// Returns the number of bytes of the file that were taken.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns the error to report when a decoder of `format` data fails with `what`: the error of the file
    /// if it could not be read; otherwise the data is truncated if it ended, or damaged. `begun` is the
    /// position of its member.
    pub(super) fn failed(&mut self, format: &str, begun: u64, what: &str) -> io::Error {
        if let Some(error) = self.error.take() {
            return error;
        }
        let at = self.at;
        if self.ended {
            let said = format!(
                "the {format} data that begins at byte {begun} of the file is truncated at byte {at}"
            );
            return io::Error::new(ErrorKind::UnexpectedEof, said);
        }
        invalid(format!("the {format} data is damaged near byte {at} of the file: {what}"))
    }

    /// Skips zeros, with which some tools fill the last block of a tape or a disk; returns whether nothing
    /// else was left.
    pub(super) fn ends_with_zeros(&mut self) -> io::Result<bool> {
        loop {
            let known = self.fill_buf()?;
            let zeros = known.iter().position(|byte| *byte != 0).unwrap_or(known.len());
            let (ended, other) = (known.is_empty(), zeros < known.len());
            self.consume(zeros);
            if ended || other {
                return Ok(ended);
            }
        }
    }

    /// Returns the error for bytes that are not in this format, at the beginning of the file or after other
    /// data.
    pub(super) fn foreign(&mut self, format: &str) -> io::Error {
        let at = self.at;
        let mut begin = String::new();
        match self.fill_buf() {
            // Writing to a string cannot fail.
            Ok(known) => known.iter().take(4).for_each(|byte| _ = write!(begin, " {byte:02x}")),
            Err(error) => return self.error.take().unwrap_or(error),
        }
        if at == 0 {
            return invalid(format!("it is not a {format} file: it begins with the bytes{begin}"));
        }
        invalid(format!(
            "the {format} data is followed by other data, the bytes{begin} at byte {at} of the file"
        ))
    }
}

fn invalid(said: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, said)
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // Reads only if nothing is buffered; the buffer is borrowed below.
        while let Err(error) = self.input.fill_buf() {
            if error.kind() != ErrorKind::Interrupted {
                let said = io::Error::new(error.kind(), "the file cannot be read");
                self.error = Some(error);
                return Err(said);
            }
        }
        let known = self.input.buffer();
        self.ended = known.is_empty();
        Ok(known)
    }

    fn consume(&mut self, bytes: usize) {
        self.at += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.input.consume(bytes);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let known = self.fill_buf()?;
        let count = known.len().min(into.len());
        into[..count].copy_from_slice(&known[..count]);
        self.consume(count);
        Ok(count)
    }
}
