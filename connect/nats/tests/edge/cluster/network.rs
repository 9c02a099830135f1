//! A network whose link can be cut, or loses packets.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A network namespace, and a link between it and that of the tests. It is removed when the value is dropped, after the
/// processes within it have ended.
#[derive(Debug)]
pub(super) struct Network {
    name: String,
    /// The end of the link on the side of the tests.
    link: String,
    number: u32,
}

static NETWORKS: AtomicU32 = AtomicU32::new(0);

impl Network {
    /// Creates a namespace. `None`, with a line of explanation, where that is not permitted.
    pub(super) fn create() -> Option<Self> {
        let number = std::process::id() * 8 + NETWORKS.fetch_add(1, Ordering::Relaxed);
        // The name of a link has at most 15 characters.
        let name = format!("edge-{number:x}");
        let network = Self { link: format!("{name}-o"), name, number: number % (1 << 14) };
        let Self { name, link, .. } = &network;
        let inner = format!("{name}-i");
        let (here, there) = (format!("{}/30", network.here()), format!("{}/30", network.there()));
        let commands = [
            format!("netns add {name}"),
            format!("link add {link} type veth peer name {inner} netns {name}"),
            format!("addr add {here} dev {link}"),
            format!("link set {link} up"),
            format!("-n {name} addr add {there} dev {inner}"),
            format!("-n {name} link set {inner} up"),
            format!("-n {name} link set lo up"),
        ];
        for command in commands {
            if let Err(cause) = run("ip", &command) {
                println!("skipped: network namespaces are not permitted here: ip {command}: {cause}");
                return None;
            }
        }
        Some(network)
    }

    /// The address of the tests on the link.
    pub(super) fn here(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The address within the namespace.
    pub(super) fn there(&self) -> Ipv4Addr {
        self.address(2)
    }

    fn address(&self, host: u32) -> Ipv4Addr {
        let first = u32::from(Ipv4Addr::new(10, 231, 0, 0));
        (first + self.number * 4 + host).into()
    }

    /// Returns a command that runs within the namespace.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Takes the link down: packets are dropped without a word.
    pub(super) fn cut(&self) {
        run("ip", &format!("link set {} down", self.link)).unwrap();
    }

    pub(super) fn mend(&self) {
        run("ip", &format!("link set {} up", self.link)).unwrap();
    }

    /// Drops a part of the packets that arrive, and of those that leave. False, with a line of explanation, where that is
    /// not possible.
    pub(super) fn lose(&self, percent: u32) -> bool {
        let chain = |hook: &str| {
            let hook = format!("type filter hook {hook} priority 0; policy accept;");
            format!("{{ {hook} numgen random mod 100 < {percent} drop; }};")
        };
        let rules = format!("table inet loss {{ chain a {} chain b {} }}", chain("input"), chain("output"));
        let set = self.command("nft").arg(rules).output();
        let set = set.map_err(|error| error.to_string()).and_then(|output| {
            if output.status.success() {
                return Ok(());
            }
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        });
        if let Err(cause) = &set {
            println!("skipped: packets cannot be dropped here: nft: {cause}");
        }
        set.is_ok()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Fails if the creation has failed.
        let _ = run("ip", &format!("link del {}", self.link));
        let _ = run("ip", &format!("netns del {}", self.name));
    }
}

fn run(program: &str, arguments: &str) -> Result<(), String> {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
