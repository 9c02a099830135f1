//! The store: a file of one line of JSON per event, synchronised once per batch.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use stage_core::ack::{Delivery, Reason, Token};
use stage_core::{Consumer, Context, Events, StageResult};

/// Faults to watch the service with.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Faults {
    /// Makes each write take this much longer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    slow: u64,

    /// Lets every nth write fail
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fail: Option<u64>,
}

/// Appends events to a file.
#[derive(Debug)]
pub(crate) struct Store {
    file: File,
    faults: Faults,
    writes: u64,
}

impl Store {
    /// Opens the file, and removes a last line that was not written to its end: its event was never acknowledged.
    pub(crate) fn open(path: &Path, faults: Faults) -> Result<Self, String> {
        let open = || {
            let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
            let whole = whole_lines(&file)?;
            if whole < file.metadata()?.len() {
                file.set_len(whole)?;
                file.sync_data()?;
            }
            Ok(Self { file, faults, writes: 0 })
        };
        open().map_err(|error: io::Error| format!("`{}` cannot be opened: {error}", path.display()))
    }

    /// Appends lines, all or none, and waits until they are on disk.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.writes += 1;
        if self.faults.fail.is_some_and(|every| self.writes.is_multiple_of(every)) {
            return Err(io::Error::other("the disk is full (as `--fail` asks)"));
        }
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // A part of a line would spoil the next one. If this fails too, the next start repairs the file.
            self.file.set_len(before)?;
        }
        written
    }
}

/// Returns the length of the lines of a file that have an end.
fn whole_lines(file: &File) -> io::Result<u64> {
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    let (mut whole, mut read) = (0, 0);
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line)? {
            0 => return Ok(whole),
            length => read += length as u64,
        }
        if line.last() == Some(&b'\n') {
            whole = read;
        }
    }
}

impl Consumer for Store {
    type Event = Delivery<Value>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        let (mut lines, mut tokens) = (Vec::new(), Vec::with_capacity(events.len()));
        for delivery in events {
            let (event, token) = delivery.into_parts();
            writeln!(lines, "{event}")?;
            tokens.push(token);
        }
        tokio::time::sleep(Duration::from_millis(self.faults.slow)).await;
        match self.append(&lines) {
            Ok(()) => Token::acknowledge_all(tokens),
            Err(error) => {
                let message = error.to_string();
                eprintln!("webhook: {} events are not stored: {message}", tokens.len());
                for token in tokens {
                    token.reject(Reason::failed(message.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_removed_and_a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        fs::write(&path, "{\"a\":1}\n{\"b\":2}\n{\"c\":").unwrap();
        let mut store = Store::open(&path, Faults { slow: 0, fail: Some(2) }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"b\":2}\n");
        store.append(b"{\"d\":4}\n").unwrap();
        assert!(store.append(b"{\"e\":5}\n").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"b\":2}\n{\"d\":4}\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_one_clear_line() {
        let error = Store::open(Path::new("/no/such/folder/events"), Faults::default()).unwrap_err();
        assert!(error.starts_with("`/no/such/folder/events` cannot be opened: No such file"), "{error}");
    }
}
