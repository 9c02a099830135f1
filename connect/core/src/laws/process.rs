//! A process that a test starts, kills and starts again.

use std::process::{Child, Command, ExitStatus};

/// A running process, which is killed, as by `kill -9`, when the value is dropped.
///
/// The server of a test, which needs the program:
///
/// ```no_run
/// use std::process::Command;
///
/// use stage_connect::laws::{Process, free_port};
///
/// let mut command = Command::new("redis-server");
/// command.args(["--port", &free_port().to_string()]);
/// let mut server = Process::start(command);
/// println!("process {}", server.id());
/// server.kill();
/// assert!(server.ended().is_some());
/// server.restart();
/// ```
#[derive(Debug)]
pub struct Process {
    command: Command,
    child: Child,
}

impl Process {
    /// Starts the command.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Self {
        let child = command.spawn().expect("the process starts");
        Self { command, child }
    }

    /// Returns the id of the process, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the status of a process that has ended.
    ///
    /// # Panics
    ///
    /// If it cannot be asked for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of the process")
    }

    /// Kills the process and waits for its end.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Starts the same command again, after [`kill`](Self::kill).
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn restart(&mut self) {
        self.child = self.command.spawn().expect("the process starts again");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
