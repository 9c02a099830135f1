//! The law of crashes.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::crash::{Cause, Crash};
use super::log::Log;
use super::report::Report;
use crate::laws::process::Process;
use crate::laws::scale::Scale;

/// The time without a newly handled message after which one counts as lost.
const STALLED: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(2);

/// Returns the command of a client: a second process of this test program, which runs the test of this name and prints
/// nothing. The test gets what it must know by variables, and makes a [`Worker`](super::Worker).
///
/// # Panics
///
/// If the path of the test program is not known.
pub fn client_of_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of the test program"));
    command.args([name, "--exact"]).stdout(Stdio::null());
    command
}

/// Kills clients and the server while messages pass, as often as `scale` says, until each of the messages `0..messages`
/// was handled.
///
/// Two clients run at a time. `client` is a command, as of [`client_of_test`], that handles messages until it is killed, and
/// writes each with [`Worker`](super::Worker); `log` is an empty file. `kill_and_restart` kills the server as by `kill -9`,
/// and returns when it is back.
/// The caller stores the messages, before or meanwhile.
///
/// # Panics
///
/// If a message is not handled.
pub async fn every_message_is_handled_through_crashes(
    scale: Scale,
    log: &Path,
    client: impl Fn() -> Command,
    mut kill_and_restart: impl AsyncFnMut(),
) -> Report {
    let begun = Instant::now();
    let mut log = Log::open(log);
    let mut started = 0;
    let mut start = |log: &Log| {
        started += 1;
        let mut command = client();
        log.give_to(&mut command, started - 1);
        (started - 1, Process::start(command))
    };
    let mut clients = [start(&log), start(&log)];
    let (mut crashes, mut crashes_before) = (Vec::new(), vec![0, 0]);
    let kills = scale.client_kills + scale.server_kills;
    for kill in 1..=kills {
        until_handled(&mut log, kill * (scale.messages / (kills + 1))).await;
        // The kills of the server are spread evenly among those of clients.
        let is_server = kill * scale.server_kills / kills > (kill - 1) * scale.server_kills / kills;
        if is_server {
            let at = log.read();
            kill_and_restart().await;
            crashes.push(Crash { cause: Cause::Server, at, back: log.read() });
        } else {
            let (number, process) = &mut clients[(kill % 2) as usize];
            process.kill();
            let at = log.read();
            crashes.push(Crash { cause: Cause::Client(*number), at, back: at });
            crashes_before.push(crashes.len());
            clients[(kill % 2) as usize] = start(&log);
        }
    }
    until_handled(&mut log, scale.messages).await;
    let took = begun.elapsed();
    drop(clients);
    log.read();
    Report::new(log.lines(), &crashes, &crashes_before, scale, took)
}

async fn until_handled(log: &mut Log, count: u32) {
    let (mut progress, mut since) = (0, Instant::now());
    loop {
        log.read();
        let handled = log.distinct();
        if handled >= count as usize {
            return;
        }
        if handled > progress {
            (progress, since) = (handled, Instant::now());
        }
        assert!(
            since.elapsed() < STALLED,
            "a message is lost: {handled} were handled, and no other one arrives"
        );
        sleep(PAUSE).await;
    }
}
