//! Start of drip as a child process, which is killed when its time is over.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use super::Ended;

/// Longer than any run takes on a slow machine in a debug build.
const LIMIT: Duration = Duration::from_mins(2);

/// The program under test.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_drip")
}

/// A running drip; killed when dropped.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    output: Receiver<Piece>,
    /// The output that was inspected already.
    seen: Vec<Piece>,
    begin: Instant,
    command: String,
}

#[derive(Debug)]
enum Piece {
    Out(Vec<u8>),
    Error(Vec<u8>),
}

impl Started {
    pub(crate) fn new(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (pieces, output) = channel();
        read_all(child.stdout.take(), pieces.clone(), Piece::Out);
        read_all(child.stderr.take(), pieces, Piece::Error);
        Self { child, output, seen: Vec::new(), begin: Instant::now(), command: format!("{command:?}") }
    }

    /// Starts drip with its output unread.
    pub(crate) fn unheard(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        drop((child.stdout.take(), child.stderr.take()));
        let (_, output) = channel();
        Self { child, output, seen: Vec::new(), begin: Instant::now(), command: format!("{command:?}") }
    }

    /// Waits until drip prints these words on the standard error.
    pub(crate) fn until_it_says(mut self, words: &str) -> Self {
        let mut told = String::new();
        while !told.contains(words) {
            let left = LIMIT.saturating_sub(self.begin.elapsed());
            let piece = self.output.recv_timeout(left);
            let piece =
                piece.unwrap_or_else(|_| panic!("{} did not say `{words}` but\n{told}", self.command));
            if let Piece::Error(text) = &piece {
                told.push_str(&String::from_utf8_lossy(text));
            }
            self.seen.push(piece);
        }
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child that can be waited for").is_some()
    }

    /// Asks drip to end, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends a signal to drip.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -\"$1\" \"$0\"", &self.pid().to_string(), name]);
        assert!(kill.status().is_ok_and(|status| status.success()), "a signal for {}", self.command);
    }

    /// Waits for the end, within the time limit, and returns the whole output.
    pub(crate) fn wait(mut self) -> Ended {
        let (mut out, mut error) = (Vec::new(), Vec::new());
        for piece in std::mem::take(&mut self.seen) {
            match piece {
                Piece::Out(piece) => out.extend(piece),
                Piece::Error(piece) => error.extend(piece),
            }
        }
        loop {
            let left = LIMIT.saturating_sub(self.begin.elapsed());
            match self.output.recv_timeout(left) {
                Ok(Piece::Out(piece)) => out.extend(piece),
                Ok(Piece::Error(piece)) => error.extend(piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let printed = String::from_utf8_lossy(&error).into_owned();
                    panic!("{} did not end in {LIMIT:?}; it printed\n{printed}", self.command);
                }
            }
        }
        Ended::new(self.end(), &out, &error, self.command.clone())
    }

    /// Waits for the end of a child that prints no more, within the time limit.
    fn end(&mut self) -> ExitStatus {
        while self.begin.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().expect("a child that can be waited for") {
                return status;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        panic!("{} did not end in {LIMIT:?}", self.command);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>, pieces: Sender<Piece>, piece: fn(Vec<u8>) -> Piece) {
    let mut pipe = pipe.expect("a piped stream");
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            if pieces.send(piece(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
}
