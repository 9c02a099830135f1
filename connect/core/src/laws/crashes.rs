//! Killed clients and killed servers, for connectors whose server runs as a process of the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::process::Process;

/// The time limit of a test.
const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

fn distinct(log: &Path) -> BTreeSet<u32> {
    let text = fs::read_to_string(log).expect("the log can be read");
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

async fn until_handled(log: &Path, count: u32, begun: Instant) {
    while distinct(log).len() < count as usize {
        assert!(begun.elapsed() < DEADLINE, "{} handled", distinct(log).len());
        sleep(PAUSE).await;
    }
}

/// Kills one of two clients four times while they handle `messages` messages, which are stored already.
///
/// `client` is a command that handles messages until it is killed and appends the number of each to the file `log`,
/// one on a line.
///
/// # Panics
///
/// If a message is not handled within two minutes, or if half of them are handled again.
pub async fn every_message_is_handled_while_clients_are_killed(
    messages: u32,
    log: &Path,
    client: impl Fn() -> Command,
) {
    let mut clients = [Process::start(client()), Process::start(client())];
    let begun = Instant::now();
    for kill in 1..=4_u32 {
        until_handled(log, kill * messages / 6, begun).await;
        clients[(kill % 2) as usize] = Process::start(client());
    }
    until_handled(log, messages, begun).await;
    let lines = fs::read_to_string(log).expect("the log can be read").lines().count();
    let repeated = lines - messages as usize;
    assert!(repeated < messages as usize / 2, "{repeated} were handled again");
}

/// Kills the server three times while `messages` messages pass, whose numbers arrive in `handled`.
///
/// # Panics
///
/// If a message is not handled within two minutes.
pub async fn every_message_is_handled_while_the_server_is_killed(
    messages: u32,
    mut handled: UnboundedReceiver<u32>,
    mut kill_and_restart: impl AsyncFnMut(),
) {
    let mut seen = BTreeSet::new();
    let mut killed = 0;
    let begun = Instant::now();
    while seen.len() < messages as usize {
        assert!(begun.elapsed() < DEADLINE, "{} handled", seen.len());
        if let Ok(Some(number)) = timeout(DEADLINE, handled.recv()).await {
            seen.insert(number);
        }
        if killed < 3 && seen.len() > (killed + 1) * messages as usize / 5 {
            killed += 1;
            kill_and_restart().await;
        }
    }
}
