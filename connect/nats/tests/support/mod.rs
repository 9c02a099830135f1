//! A NATS server of the tests' own, on a free port and in a temporary folder.
#![allow(dead_code, reason = "each test program uses a part")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stage_connect::laws::{Process, free_port, installed};
use stage_nats::Server;
use tempfile::TempDir;

/// A running server, which is killed when the value is dropped.
pub(crate) struct NatsServer {
    process: Process,
    address: Ipv4Addr,
    port: u16,
    /// Removed behind the process.
    _folder: TempDir,
}

impl NatsServer {
    /// Starts a server with JetStream. `None`, with a line of explanation, where none is installed.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_by(Command::new, Ipv4Addr::LOCALHOST, arguments).await
    }

    /// Starts three servers of one cluster. `None`, with a line of explanation, where none is installed.
    pub(crate) async fn cluster() -> Option<Vec<Self>> {
        let routes: Vec<_> = (0..3).map(|_| format!("nats://127.0.0.1:{}", free_port())).collect();
        let mut servers = Vec::new();
        for (number, cluster) in routes.iter().enumerate() {
            let (name, routes) = (Self::name(number), routes.join(","));
            let of_cluster = [
                "--cluster_name",
                "tests",
                "--server_name",
                &name,
                "--cluster",
                cluster,
                "--routes",
                &routes,
            ];
            servers.push(Self::start(&of_cluster).await?);
        }
        Some(servers)
    }

    /// Returns the name of a server in its cluster.
    pub(crate) fn name(number: usize) -> String {
        format!("server-{number}")
    }

    /// Starts a server that listens at `address`, by a command that begins with `run`.
    pub(crate) async fn start_by(
        run: impl FnOnce(PathBuf) -> Command,
        address: Ipv4Addr,
        arguments: &[&str],
    ) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = run(program);
        command
            .args(["-js", "-a", &address.to_string(), "-p", &port.to_string(), "-sd"])
            .arg(folder.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::start(command);
        let server = Self { process, address, port, _folder: folder };
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
        format!("nats://{}:{}", self.address, self.port)
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
        while !self.greets().await.unwrap_or_default() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nats-server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns whether the server sends its greeting. A connection to a port on which no process listens may be one to
    /// itself.
    async fn greets(&self) -> std::io::Result<bool> {
        let stream = tokio::net::TcpStream::connect((self.address, self.port)).await?;
        tokio::time::timeout(Duration::from_secs(1), stream.readable()).await??;
        let mut greeting = [0; 4];
        Ok(stream.try_read(&mut greeting)? == 4 && greeting == *b"INFO")
    }
}

/// Returns the program that the variable `NATS_SERVER` names, or else the one that is installed.
pub(crate) fn program() -> Option<PathBuf> {
    let Some(named) = std::env::var_os("NATS_SERVER") else { return installed("nats-server") };
    let program = PathBuf::from(named);
    assert!(program.is_file(), "NATS_SERVER names no file: {}", program.display());
    Some(program)
}
