//! A RabbitMQ server of the tests' own, which all tests of a program share, since a node takes seconds to start.
#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod proxy;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stage_connect::laws::{Authority, Certificate, Counts, free_port, installed};
use stage_rabbitmq::Server;
use tempfile::TempDir;

/// The program itself: the one in the path changes the user.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const COOKIE: &str = "STAGERABBITMQTESTS";
const NODE: &str = "stage@localhost";

/// A running node, which is killed with its port mapper when the last holder drops it.
pub(crate) struct RabbitServer {
    folder: TempDir,
    port: u16,
    mapper_port: u16,
    /// Erlang's port mapper, which the node would otherwise start as a daemon of its own.
    mapper: Child,
    node: Child,
    tls: Option<Tls>,
}

/// The second port of a server, which encrypts and requires a certificate of the client.
pub(crate) struct Tls {
    port: u16,
    authority: Authority,
}

impl Tls {
    /// The server by this port, without certificates.
    pub(crate) fn server(&self) -> Server {
        Server::new(&format!("amqps://127.0.0.1:{}", self.port)).unwrap()
    }

    /// The text of the authority that the server trusts and is certified by.
    pub(crate) fn root(&self) -> String {
        fs::read_to_string(&self.authority.certificate).unwrap()
    }

    /// The texts of a certificate for a client and of its key.
    pub(crate) fn client(&self) -> (Vec<u8>, Vec<u8>) {
        texts(&self.authority.certify("client"))
    }
}

/// Reads a certificate and its key.
pub(crate) fn texts(files: &Certificate) -> (Vec<u8>, Vec<u8>) {
    (fs::read(&files.certificate).unwrap(), fs::read(&files.key).unwrap())
}

static SHARED: Mutex<Weak<RabbitServer>> = Mutex::new(Weak::new());
static CALLS: Mutex<()> = Mutex::new(());
static QUEUES: AtomicU32 = AtomicU32::new(0);

/// Returns a name of a queue that no other test uses.
pub(crate) fn new_queue() -> String {
    format!("orders-{}-q", QUEUES.fetch_add(1, Ordering::Relaxed))
}

impl RabbitServer {
    /// Returns the server that the tests share. `None`, with a line of explanation, where none is installed.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        can_start()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// Returns a server that no other test uses.
    pub(crate) fn alone() -> Option<Self> {
        can_start()?;
        Some(Self::start())
    }

    /// Kills the server as `kill -9` does and starts it again with its data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.node = spawn(&self.folder, self.port, self.mapper_port);
        self.until_ready();
    }

    fn kill(&mut self) {
        // The script runs the node as its child, in one process group.
        let group = format!("-{}", self.node.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.node.wait();
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, mapper_port) = (free_port(), free_port());
        fs::write(folder.path().join("plugins"), "[].").unwrap();
        let mut config =
            "vm_memory_high_watermark.absolute = 300MB\ndisk_free_limit.absolute = 1MB\n".to_owned();
        let tls = Authority::create(folder.path()).map(|authority| Tls { port: free_port(), authority });
        if let Some(Tls { port, authority }) = &tls {
            let Certificate { certificate, key } = authority.certify("server");
            let (authority, certificate, key) =
                (authority.certificate.display(), certificate.display(), key.display());
            config = format!(
                "{config}listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {authority}\n\
                 ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
                 ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n"
            );
        }
        fs::write(folder.path().join("rabbitmq.conf"), config).unwrap();
        let cookie = folder.path().join(".erlang.cookie");
        fs::write(&cookie, COOKIE).unwrap();
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).unwrap();
        let mapper = Command::new("epmd")
            .args(["-port", &mapper_port.to_string(), "-address", "127.0.0.1"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let node = spawn(&folder, port, mapper_port);
        let mut server = Self { folder, port, mapper_port, mapper, node, tls };
        server.until_ready();
        server
    }

    fn until_ready(&mut self) {
        let begun = Instant::now();
        let ports = [Some(self.port), self.tls.as_ref().map(|tls| tls.port)];
        let is_closed = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_err();
        while ports.into_iter().flatten().any(is_closed) {
            let ended = self.node.try_wait().unwrap();
            assert!(ended.is_none(), "rabbitmq-server has ended: {}", self.log());
            assert!(
                begun.elapsed() < Duration::from_secs(150),
                "rabbitmq-server does not start: {}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// `None` where openssl is not installed.
    pub(crate) const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&self.url()).unwrap()
    }

    pub(crate) async fn channel(&self) -> (lapin::Connection, lapin::Channel) {
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(&self.url(), properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// Asks the node for the numbers of messages in a queue, its retries and its dead letters.
    pub(crate) fn counts(&self, queue: &str) -> Counts {
        let code = format!(
            "P = <<\"{queue}\">>, S = byte_size(P),
            lists:foldl(fun(Q, {{R, U, D}}) ->
                {{resource, _, _, N}} = amqqueue:get_name(Q),
                case N of
                    <<P:S/binary, T/binary>> ->
                        [{{_, A}}, {{_, B}}] = rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged]),
                        case T of <<\".dead\">> -> {{R, U, D + A + B}}; _ -> {{R + A, U + B, D}} end;
                    _ -> {{R, U, D}}
                end
            end, {{0, 0, 0}}, rabbit_amqqueue:list(<<\"/\">>)).\n"
        );
        let begun = Instant::now();
        loop {
            let text = self.call(&code);
            let numbers: Vec<u64> = text
                .split(|sign: char| !sign.is_ascii_digit())
                .filter(|part| !part.is_empty())
                .map(|part| part.parse().unwrap())
                .collect();
            if let [ready, in_flight, dead] = numbers[..] {
                return Counts { ready, in_flight, dead };
            }
            // The node sometimes refuses the connection of a call, or a queue has just ended.
            assert!(begun.elapsed() < Duration::from_secs(30), "the node answers `{text}`: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Limits how often a quorum queue delivers a message.
    pub(crate) fn limit_deliveries(&self, queue: &str, limit: u32) {
        let code = format!(
            "rabbit_policy:parse_set(<<\"/\">>, <<\"{queue}\">>, <<\"^{queue}$\">>,
            <<\"{{\\\"delivery-limit\\\":{limit}}}\">>, 0, <<\"queues\">>, <<\"tests\">>).\n"
        );
        let begun = Instant::now();
        while !self.call(&code).contains("ok") {
            assert!(begun.elapsed() < Duration::from_secs(30), "the node sets no policy: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs code on the node.
    fn call(&self, code: &str) -> String {
        let _one_at_a_time = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut call = Command::new("erl_call")
            .args(["-sname", NODE, "-c", COOKIE, "-e"])
            .env("ERL_EPMD_PORT", self.mapper_port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A call that cannot connect does not read.
        let _ = call.stdin.take().unwrap().write_all(code.as_bytes());
        let output = call.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        self.kill();
        let _ = self.mapper.kill();
        let _ = self.mapper.wait();
    }
}

/// Returns `None`, with a line of explanation, if no server is installed.
fn can_start() -> Option<()> {
    installed("rabbitmq-server")?;
    installed("erl_call")?;
    assert!(Path::new(PROGRAM).exists(), "rabbitmq-server is installed in an unknown place");
    Some(())
}

fn spawn(folder: &TempDir, port: u16, mapper_port: u16) -> Child {
    let place = |name: &str| folder.path().join(name);
    let output = fs::File::create(place("out")).unwrap();
    Command::new(PROGRAM)
        .process_group(0)
        .env("HOME", folder.path())
        .env("ERL_EPMD_PORT", mapper_port.to_string())
        .env("RABBITMQ_NODENAME", NODE)
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", free_port().to_string())
        .env("RABBITMQ_MNESIA_BASE", place("mnesia"))
        .env("RABBITMQ_LOG_BASE", place("log"))
        .env("RABBITMQ_CONFIG_FILE", place("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", place("plugins"))
        .env("RABBITMQ_PID_FILE", place("pid"))
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        )
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap()
}
