//! Finds the programs and ports that tests of connectors need.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;

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

/// Returns a loopback port that is free at this moment.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("the address of the port").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_programs_are_required_but_those_that_are_named() {
        assert!(is_required("required", "moto_server"));
        assert!(is_required("required but nats-server", "moto_server"));
        assert!(!is_required("required but nats-server moto_server", "moto_server"));
        assert!(!is_required("", "moto_server"));
    }
}
