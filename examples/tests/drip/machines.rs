//! Two machines as network namespaces, each linked with this one, and an S3 service that they reach.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stage_connect::laws::{free_port, installed};

/// Longer than any start takes.
const LIMIT: Duration = Duration::from_mins(1);

/// The bucket that the service has.
pub(crate) const BUCKET: &str = "attic";

/// A machine with a network of its own, or this one where no network can be created.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The namespace and its link, if there are any.
    link: Option<Link>,
    /// The address at which the machine reaches this one.
    pub(crate) host: String,
}

#[derive(Debug)]
struct Link {
    namespace: String,
    device: String,
}

/// The network of the machines.
#[derive(Debug)]
pub(crate) struct Network {
    /// The two bytes that differ from the networks of other tests.
    bytes: [u8; 2],
    pub(crate) machines: [Machine; 2],
}

impl Network {
    /// Creates two machines. Without the rights for that, prints a line, and both are this machine.
    pub(crate) fn new() -> Self {
        let [high, low] = u16::try_from(std::process::id() % 0x1_0000).expect("two bytes").to_be_bytes();
        let bytes = [high, low];
        let created = [0, 1].map(|number| Machine::create(bytes, number));
        let [Some(one), Some(other)] = created else {
            println!("without network namespaces: this needs root and the program `ip`");
            let here = || Machine { link: None, host: "127.0.0.1".to_owned() };
            return Self { bytes, machines: [here(), here()] };
        };
        Self { bytes, machines: [one, other] }
    }

    /// Returns the network in the notation of PostgreSQL.
    pub(crate) fn range(&self) -> String {
        let [high, low] = self.bytes;
        format!("10.{high}.{low}.0/24")
    }

    /// Whether the machines have networks of their own.
    pub(crate) const fn is_real(&self) -> bool {
        self.machines[0].link.is_some()
    }
}

impl Machine {
    fn create(bytes: [u8; 2], number: u8) -> Option<Self> {
        let [high, low] = bytes;
        let namespace = format!("drip-{high}-{low}-{number}");
        let (device, inner) = (format!("d{high}.{low}.{number}"), format!("e{high}.{low}.{number}"));
        let host = format!("10.{high}.{low}.{}", 4 * number + 1);
        let guest = format!("10.{high}.{low}.{}/30", 4 * number + 2);
        if !ip(&format!("netns add {namespace}")) {
            return None;
        }
        // From here on, dropping it removes the namespace.
        let link = Link { namespace: namespace.clone(), device: device.clone() };
        let machine = Self { link: Some(link), host: host.clone() };
        let steps = [
            format!("link add {device} type veth peer name {inner} netns {namespace}"),
            format!("addr add {host}/30 dev {device}"),
            format!("link set {device} up"),
            format!("-n {namespace} addr add {guest} dev {inner}"),
            format!("-n {namespace} link set {inner} up"),
        ];
        steps.iter().all(|step| ip(step)).then_some(machine)
    }

    /// Returns the command, to be run on this machine.
    pub(crate) fn command(&self, command: Command) -> Command {
        let Some(link) = &self.link else { return command };
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &link.namespace]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        inside
    }

    /// Cuts the machine off, without a word to its peers, or connects it again.
    pub(crate) fn set_connected(&self, is_connected: bool) {
        let Some(link) = &self.link else { return };
        let state = if is_connected { "up" } else { "down" };
        assert!(ip(&format!("link set {} {state}", link.device)), "a link that can be set {state}");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            // Its end of the link goes with the namespace, and the other end with that.
            ip(&format!("netns delete {}", link.namespace));
        }
    }
}

fn ip(arguments: &str) -> bool {
    let run = Command::new("ip").args(arguments.split(' ')).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// An S3 service in memory, which is killed when dropped.
#[derive(Debug)]
pub(crate) struct Bucket {
    server: Child,
    pub(crate) port: u16,
}

impl Bucket {
    /// Starts the service and creates a bucket; `None`, with a line, where it is not installed.
    pub(crate) fn start(network: &Network) -> Option<Self> {
        let program = installed("moto_server")?;
        let port = free_port();
        let address = if network.is_real() { "0.0.0.0" } else { "127.0.0.1" };
        let server = Command::new(program)
            .args(["-H", address, "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server starts");
        let bucket = Self { server, port };
        let begin = Instant::now();
        while bucket.ask("PUT", "").is_none_or(|answer| !answer.contains(" 200 ")) {
            assert!(begin.elapsed() < LIMIT, "moto_server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(bucket)
    }

    /// Sets the variables by which drip finds the service from a machine.
    pub(crate) fn name_to(&self, command: &mut Command, machine: &Machine) {
        command
            .env("AWS_ENDPOINT", format!("http://{}:{}", machine.host, self.port))
            .envs([("AWS_ALLOW_HTTP", "true"), ("AWS_REGION", "us-east-1")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
    }

    /// Returns the keys of all objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().map_or_else(String::new, |last| format!("&start-after={last}"));
            let page = self.ask("GET", &format!("?list-type=2{after}")).expect("a list of objects");
            let found = page.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0));
            let before = keys.len();
            keys.extend(found.map(str::to_owned));
            if keys.len() == before {
                return keys;
            }
        }
    }

    /// Sends a request about the bucket, and returns the answer with its head.
    fn ask(&self, method: &str, query: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let request =
            format!("{method} /{BUCKET}{query} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
