//! Results on stdout: text, or exactly one JSON object, written at once or row by row.

use std::io::{self, BufWriter, Stdout, Write};

use serde::Serialize;

use crate::report::{Columns, shown_json, shown_lines};

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Words,
    Json,
}

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error("cannot write the result: {0}")]
    Unwritable(#[from] io::Error),
    #[error("cannot write the result as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Output {
    /// Writes a result. A reader that is gone (`drip ls | head`) is no error; a full disk is.
    pub(super) fn result(self, words: &str, json: &impl Serialize) -> Result<(), OutputError> {
        let text = match self {
            Self::Words => shown_lines(words.trim_end()),
            Self::Json => shown_json(&serde_json::to_string(json)?),
        };
        let mut sheet = Sheet::new();
        if !text.is_empty() {
            sheet.write(&text)?;
            sheet.write("\n")?;
        }
        sheet.flush()
    }

    /// Starts a result of many rows, each written at once. In JSON output, `name` is the field of their
    /// array.
    pub(super) fn rows(
        self,
        command: &'static str,
        name: &'static str,
        columns: Columns,
    ) -> Result<Rows, OutputError> {
        let mut sheet = Sheet::new();
        match self {
            Self::Words => sheet.write(&columns.head())?,
            Self::Json => sheet.write(&format!("{{\"command\":\"{command}\",\"{name}\":["))?,
        }
        Ok(Rows { output: self, columns, sheet, is_first: true })
    }
}

/// A result that is being written row by row.
#[derive(Debug)]
pub(super) struct Rows {
    output: Output,
    columns: Columns,
    sheet: Sheet,
    is_first: bool,
}

impl Rows {
    /// Writes one row: `cells` as text, or `json`.
    pub(super) fn row<const CELLS: usize>(
        &mut self,
        cells: [&str; CELLS],
        json: &impl Serialize,
    ) -> Result<(), OutputError> {
        match self.output {
            Output::Words => self.sheet.write(&shown_lines(&self.columns.line(cells))),
            Output::Json => {
                let gap = if self.is_first { "" } else { "," };
                self.is_first = false;
                self.sheet.write(gap)?;
                self.sheet.write(&shown_json(&serde_json::to_string(json)?))
            }
        }
    }

    /// Flushes the rows written so far; returns whether a reader is still there.
    pub(super) fn flush(&mut self) -> Result<bool, OutputError> {
        self.sheet.flush()?;
        Ok(!self.sheet.is_closed)
    }

    /// Ends the result. In JSON output, the fields of the object `totals` follow the rows.
    pub(super) fn end(mut self, totals: &impl Serialize) -> Result<(), OutputError> {
        if self.output == Output::Json {
            let totals = serde_json::to_string(totals)?;
            let fields = totals.trim_start_matches('{');
            let gap = if fields == "}" { "" } else { "," };
            self.sheet.write(&format!("]{gap}{}\n", shown_json(fields)))?;
        }
        self.sheet.flush()
    }
}

/// Stdout until its reader is gone.
#[derive(Debug)]
struct Sheet {
    out: BufWriter<Stdout>,
    is_closed: bool,
}

impl Sheet {
    fn new() -> Self {
        Self { out: BufWriter::with_capacity(64 * 1024, io::stdout()), is_closed: false }
    }

    fn write(&mut self, text: &str) -> Result<(), OutputError> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.out.write_all(text.as_bytes());
        self.judge(written)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        if self.is_closed {
            return Ok(());
        }
        // Stdout, too, buffers the last line until it is flushed.
        let written = self.out.flush().and_then(|()| self.out.get_mut().flush());
        self.judge(written)
    }

    fn judge(&mut self, written: io::Result<()>) -> Result<(), OutputError> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            written => Ok(written?),
        }
    }
}
