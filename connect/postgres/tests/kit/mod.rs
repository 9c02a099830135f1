//! A PostgreSQL server for tests, in a temporary folder and on a free port.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use std::{env, fs, thread};

use stage_connect::laws::{Certificate, free_port, installed};
use stage_postgres::{Queue, QueueOptions, Server};
use tempfile::TempDir;

/// The password of the users of the tests.
pub(crate) const PASSWORD: &str = "s3cret-word";

/// Only one user needs a password: each check takes a while in a build without optimisation.
const HOSTS: &str = "host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Off,
    On,
}

/// A running server. Its end is that of the value.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: TempDir,
    /// Kept for the next server of this program.
    _template: Arc<TempDir>,
    programs: PathBuf,
    listen: &'static str,
    port: u16,
    child: Mutex<Child>,
    tables: AtomicU32,
}

impl Postgres {
    /// Returns the server that the tests of this program share, or `None`, with a line, where PostgreSQL is not
    /// installed.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// Starts a server of its own.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(Encryption::Off, None)
    }

    /// Starts a server of its own that is reached over a network, such as `10.0.0.0/24`, without a password.
    pub(crate) fn start_for(network: &str) -> Option<Self> {
        Self::start_with(Encryption::Off, Some(network))
    }

    /// Starts a server of its own that offers TLS, with a certificate for 127.0.0.1.
    pub(crate) fn start_encrypted() -> Option<Self> {
        Self::start_with(Encryption::On, None)
    }

    fn start_with(encryption: Encryption, network: Option<&str>) -> Option<Self> {
        let programs = installed("postgres")?.parent().unwrap().to_owned();
        let (folder, template) = copy_of_an_empty_database(&programs);
        if encryption == Encryption::On {
            certify(&folder.path().join("data"))?;
        }
        let mut listen = "127.0.0.1";
        if let Some(network) = network {
            listen = "*";
            let hosts = format!("{HOSTS}host all all {network} trust\n");
            fs::write(folder.path().join("data/pg_hba.conf"), hosts).unwrap();
        }
        let port = free_port();
        let child = Mutex::new(launch(&programs, &folder.path().join("data"), listen, port));
        Some(Self { folder, _template: template, programs, listen, port, child, tables: AtomicU32::new(0) })
    }

    /// Returns the file of the certificate of an encrypted server.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("data/server.crt")
    }

    /// Kills the server as a power cut would.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts the server again, after `kill`.
    pub(crate) fn restart(&self) {
        let data = self.folder.path().join("data");
        *self.child.lock().unwrap() = launch(&self.programs, &data, self.listen, self.port);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address with a user who needs no password.
    pub(crate) fn address(&self) -> String {
        format!("postgres://tester:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the address with a user whose password is checked.
    pub(crate) fn checked_address(&self) -> String {
        self.address().replace("tester", "app")
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&self.address()).unwrap()
    }

    /// Returns a connection of the test's own.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.address(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Returns a name that no other test uses.
    pub(crate) fn table(&self) -> String {
        format!("t{}", self.tables.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns an empty queue in a table of its own.
    pub(crate) async fn queue(&self, options: QueueOptions) -> Queue {
        let queue = Queue::new(self.server(), options.table(self.table())).unwrap();
        queue.setup().await.unwrap();
        queue
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        // An immediate shutdown: its processes end with it.
        let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
        let _ = child.wait();
    }
}

/// Returns a folder with a new database, which is made once per program as long as a server runs.
fn copy_of_an_empty_database(programs: &Path) -> (TempDir, Arc<TempDir>) {
    static MADE: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut made = MADE.lock().unwrap();
    let template = made.upgrade().unwrap_or_else(|| Arc::new(empty_database(programs)));
    *made = Arc::downgrade(&template);
    let folder = new_folder();
    let copied = Command::new("cp").arg("-a").arg(template.path().join("data")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    (folder, template)
}

/// Creates a certificate and its key, and switches TLS on; `None`, with a line, where openssl is not installed.
fn certify(data: &Path) -> Option<()> {
    let Certificate { certificate, key } = Certificate::create(data)?;
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    if let Some(user) = unprivileged() {
        chown(&key, Some(user.0), Some(user.1)).unwrap();
        chown(&certificate, Some(user.0), Some(user.1)).unwrap();
    }
    let file = data.join("postgresql.conf");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{settings}\nssl = on\n")).unwrap();
    Some(())
}

fn new_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn empty_database(programs: &Path) -> TempDir {
    let folder = new_folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    if let Some(user) = unprivileged() {
        chown(&data, Some(user.0), Some(user.1)).unwrap();
    }
    let made = as_user(&programs.join("initdb"))
        .args(["--username=tester", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
        .args([format!("--pgdata={}", data.display()), "--wal-segsize=1".to_owned()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::write(data.join("pg_hba.conf"), HOSTS).unwrap();
    folder
}

/// Starts the server on a folder and waits until it accepts connections.
fn launch(programs: &Path, data: &Path, listen: &str, port: u16) -> Child {
    // The processes of a killed server end a moment after it; until then it refuses to start.
    for _ in 0..600 {
        let mut child = as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(data)
            .args(["-p", &port.to_string(), "-c", &format!("listen_addresses={listen}")])
            .args(["-c", "unix_socket_directories=", "-c", "shared_buffers=32MB"])
            // A killed process loses nothing that was written; only a power cut would.
            .args(["-c", "fsync=off", "-c", "max_connections=60"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("ready to accept connections")) {
            let loud = env::var_os("POSTGRES_LOG").is_some();
            thread::spawn(move || lines.filter(|_| loud).for_each(|line| eprintln!("server: {line}")));
            return child;
        }
        child.wait().unwrap();
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the server does not start");
}

/// PostgreSQL refuses to run as root.
fn as_user(program: &Path) -> Command {
    match unprivileged() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
            command.arg(program).current_dir("/");
            command
        }
    }
}

/// The user and group `postgres`, if the tests run as root.
fn unprivileged() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with("postgres:")).expect("a user `postgres`");
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}
