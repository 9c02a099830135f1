//! A Redis server of the tests' own, on a free port and in a temporary folder.
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use stage_connect::laws::{Certificate, Process, free_port, installed};
use stage_redis::Server;
use tempfile::TempDir;

/// A running server, which is killed when the value is dropped.
pub(crate) struct RedisServer {
    process: Process,
    port: u16,
    /// Removed behind the process.
    _folder: TempDir,
}

impl RedisServer {
    /// Starts a server that writes every command to its disk. `None`, with a line of explanation, where none is installed.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        let program = installed("redis-server")?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let process = Process::start(command(&program, &folder, port, arguments));
        let server = Self { process, port, _folder: folder };
        server.until_ready().await;
        Some(server)
    }

    /// Starts a server that also encrypts, and returns the port for that and the certificate to trust.
    pub(crate) async fn start_encrypted() -> Option<(Self, u16, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let Certificate { certificate, key } = Certificate::create(folder.path())?;
        let port = free_port();
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let port_text = port.to_string();
        let arguments = [
            "--tls-port",
            &port_text,
            "--tls-cert-file",
            certificate,
            "--tls-key-file",
            key,
            "--tls-ca-cert-file",
            certificate,
            "--tls-auth-clients",
            "no",
        ];
        let server = Self::start(&arguments).await?;
        Some((server, port, std::fs::read(certificate).unwrap()))
    }

    /// Kills the server as `kill -9` does and starts it again with its data.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.kill();
        self.restart().await;
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) async fn restart(&mut self) {
        self.process.restart();
        self.until_ready().await;
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&self.url()).unwrap()
    }

    /// A connection of the tests' own.
    pub(crate) async fn link(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    async fn until_ready(&self) {
        let begun = Instant::now();
        loop {
            if let Ok(mut link) = self.link().await {
                let pong: redis::RedisResult<String> = redis::cmd("PING").query_async(&mut link).await;
                // A server that asks for a password is ready as well.
                if pong.is_ok() || pong.is_err_and(|error| error.code() == Some("NOAUTH")) {
                    return;
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "redis-server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn command(program: &Path, folder: &TempDir, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .args(["--port", &port.to_string()])
        .arg("--dir")
        .arg(folder.path())
        .args(arguments)
        .stdout(Stdio::null());
    command
}
