//! `hashtag_battle --serve` in a process of its own, and requests to it.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The service in a process of its own. Dropping it kills the process.
pub(crate) struct Battle {
    pub(crate) program: Child,
    pub(crate) said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: String,
}

impl Battle {
    /// Starts the service at this address with these tags and options.
    pub(crate) fn start(address: &str, tags: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hashtag_battle"))
            .arg(format!("--serve={address}"))
            .args(tags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = said.next().unwrap().unwrap();
        let address = line.strip_prefix("hashtag_battle: http://").and_then(|line| line.strip_suffix('/'));
        Self { address: address.expect(&line).to_owned(), program, said }
    }

    /// Returns the status and the body of an answer.
    pub(crate) fn ask(&self, request: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (length, host) = (body.len(), &self.address);
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect(&text);
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Adds an entry, which counts when this returns.
    pub(crate) fn add(&self, text: &str) {
        assert_eq!(self.ask("POST /entries", text).0, 200, "{text}");
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.ask("GET /battle", "").1).unwrap()
    }
}

impl Drop for Battle {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
