//! A NATS server of the tests' own, on a free port and in a temporary folder.
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stage_connect::laws::{Process, free_port, installed};
use stage_nats::Server;
use tempfile::TempDir;

/// A running server, which is killed when the value is dropped.
pub(crate) struct NatsServer {
    process: Process,
    port: u16,
    /// Removed behind the process.
    _folder: TempDir,
}

impl NatsServer {
    /// Starts a server with JetStream. `None`, with a line of explanation, where none is installed.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        let program = installed("nats-server")?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let process = Process::start(command(&program, &folder, port, arguments));
        let server = Self { process, port, _folder: folder };
        server.until_ready().await;
        Some(server)
    }

    /// Kills the server as `kill -9` does and starts it again with its data.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.kill();
        self.restart().await;
    }

    /// Ends the server in order and starts it again with its data.
    pub(crate) async fn terminate_and_restart(&mut self) {
        let terminated = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.id())]).status();
        assert!(terminated.unwrap().success());
        let begun = Instant::now();
        while self.process.ended().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nats-server does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.restart().await;
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) async fn restart(&mut self) {
        self.process.restart();
        self.until_ready().await;
    }

    /// The id of the server's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&self.url()).unwrap()
    }

    /// A connection of the tests' own.
    pub(crate) async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }

    async fn until_ready(&self) {
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nats-server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn command(program: &Path, folder: &TempDir, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
        .arg(folder.path())
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
