//! Finds the programs and ports that tests of connectors need.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::TcpListener;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::{env, process};

/// Finds the program of a server. If it is missing, prints `skipped: NAME is not installed` and returns `None`.
///
/// # Panics
///
/// If it is missing although the variable `CI_SERVERS` is `required`, or `required but` the names of others.
pub fn installed(name: &str) -> Option<PathBuf> {
    let system = ["/usr/sbin", "/usr/lib/postgresql/15/bin", "/usr/lib/rabbitmq/bin"].map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let found =
        env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let required = env::var("CI_SERVERS").is_ok_and(|servers| is_required(&servers, name));
        assert!(!required, "{name} is not installed, but CI_SERVERS is `required`");
        println!("skipped: {name} is not installed");
    }
    found
}

/// Returns whether a value of `CI_SERVERS` requires a program: `required`, or `required but` the names of others.
fn is_required(servers: &str, name: &str) -> bool {
    let (required, others) = servers.split_once(" but ").unwrap_or((servers, ""));
    required == "required" && !others.split(' ').any(|other| other == name)
}

/// Ports that no system gives to connections by itself: a server that is started, or started again, would find such a port
/// taken.
const PORTS: Range<u16> = 10_240..32_768;

/// Returns a loopback port that is free at this moment, another one in each call. The system gives it to no connection.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Another program may look for a port as well, so each begins elsewhere.
    let begin = RandomState::new().hash_one(process::id());
    let skipped = usize::try_from(begin % PORTS.len() as u64).unwrap_or_default();
    let ports = PORTS.cycle().skip(skipped).take(PORTS.len());
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = ports.filter(|port| !given.contains(port)).find(is_free).expect("a free port");
    given.insert(port);
    port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_can_be_bound() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| PORTS.contains(port)), "{ports:?}");
        assert!(ports.iter().any(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()));
    }

    #[test]
    fn all_programs_are_required_but_those_that_are_named() {
        assert!(is_required("required", "moto_server"));
        assert!(is_required("required but nats-server", "moto_server"));
        assert!(!is_required("required but nats-server moto_server", "moto_server"));
        assert!(!is_required("", "moto_server"));
    }
}
