//! The file in which clients note the messages that they handled.

use std::collections::BTreeSet;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const LOG: &str = "LAW_LOG";
const CLIENT: &str = "LAW_CLIENT";

/// A note of a client about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) client: u32,
    pub(super) message: u32,
}

/// Notes the messages that a client handles.
#[derive(Clone, Debug)]
pub struct Worker {
    log: Arc<File>,
    client: u32,
}

impl Worker {
    /// Returns `None` unless this process was started by
    /// [`every_message_is_handled_through_crashes`](super::every_message_is_handled_through_crashes).
    ///
    /// # Panics
    ///
    /// If the log cannot be opened.
    pub fn from_env() -> Option<Self> {
        let (log, client) = (env::var_os(LOG)?, env::var(CLIENT).ok()?);
        let log = OpenOptions::new().append(true).open(log).expect("the log can be written");
        Some(Self { log: Arc::new(log), client: client.parse().expect("the number of the client") })
    }

    /// Notes that the message with this number was handled; to be called before it is acknowledged.
    ///
    /// # Panics
    ///
    /// If the log cannot be written.
    pub fn handled(&self, message: u32) {
        let line = format!("{} {message}\n", self.client);
        // One call, which appends a whole line even if the process is killed next.
        (&*self.log).write_all(line.as_bytes()).expect("the log can be written");
    }
}

/// The reading side of the log.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// The beginning of a line that is not complete.
    rest: Vec<u8>,
    lines: Vec<Line>,
    distinct: BTreeSet<u32>,
}

impl Log {
    pub(super) fn open(path: &Path) -> Self {
        let file = File::open(path).expect("the log can be read");
        Self { path: path.to_owned(), file, rest: Vec::new(), lines: Vec::new(), distinct: BTreeSet::new() }
    }

    pub(super) fn give_to(&self, command: &mut Command, client: u32) {
        command.env(LOG, &self.path).env(CLIENT, client.to_string());
    }

    /// Reads what was appended, and returns the number of lines.
    pub(super) fn read(&mut self) -> usize {
        self.file.read_to_end(&mut self.rest).expect("the log can be read");
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let rest = self.rest.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.rest, rest)).expect("a log of text");
        for line in text.lines() {
            let (client, message) = line.split_once(' ').expect("a client and a message");
            let number = |text: &str| text.parse().expect("a number");
            let line = Line { client: number(client), message: number(message) };
            self.distinct.insert(line.message);
            self.lines.push(line);
        }
        self.lines.len()
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn distinct(&self) -> usize {
        self.distinct.len()
    }
}
