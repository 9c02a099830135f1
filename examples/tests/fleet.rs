//! The fleet ranks the same customers as a loop over the file, in one process and in several.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Clicks over 60 seconds: `anna` once a second, `ben` twice in the first half, `chris` three times in the second half,
/// and a robot.
fn clicks() -> String {
    let mut text = String::new();
    for second in 0..60 {
        for (customer, often) in customers(second) {
            for part in 0..often {
                let _ = writeln!(text, "{} {customer} /shop/{part}", second * 1000 + 100 * part);
            }
        }
        let _ = writeln!(text, "{} robot /robots.txt", second * 1000);
    }
    text
}

fn customers(second: i64) -> [(&'static str, i64); 3] {
    [("anna", 1), ("ben", if second < 30 { 2 } else { 0 }), ("chris", if second < 30 { 0 } else { 3 })]
}

/// Returns the ranking of each window of 20 seconds, by its time, from a plain loop.
fn expected() -> BTreeMap<String, String> {
    let clock = |second: i64| {
        let sign = if second < 0 { "-" } else { "" };
        format!("{sign}0:{:02}:{:02}", second.abs() / 60, second.abs() % 60)
    };
    let mut windows = BTreeMap::new();
    for start in (-10..60).step_by(10) {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for second in (start..start + 20).filter(|second| (0..60).contains(second)) {
            for (customer, often) in customers(second) {
                *counts.entry(customer).or_default() += often;
            }
        }
        let mut ranking: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        ranking.sort_by_key(|(customer, count)| (-count, *customer));
        let ranking: Vec<_> =
            ranking.into_iter().map(|(customer, count)| format!("{customer} {count}")).collect();
        windows.insert(format!("{}-{}", clock(start), clock(start + 20)), ranking.join("  "));
    }
    windows
}

/// Returns the last line of each window, by its time.
fn ranked(lines: &str) -> BTreeMap<String, String> {
    let window =
        |line: &str| line.split_once("  ").map(|(time, ranking)| (time.to_owned(), ranking.to_owned()));
    lines.lines().filter_map(window).collect()
}

fn fleet(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.args(arguments);
    command
}

fn local(file: &Path, more: &[&str]) -> Output {
    let mut command = fleet(&["--local", "--window", "20", "--step", "10", "--file"]);
    command.arg(file).args(more).output().unwrap()
}

#[test]
fn one_process_ranks_the_same_as_a_loop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clicks");
    fs::write(&file, clicks() + "yesterday anna /\n\n").unwrap();
    let output = local(&file, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(ranked(&String::from_utf8(output.stdout).unwrap()), expected());
    assert!(said.contains("is left out: expected milliseconds, a customer and a page"), "{said}");
    assert!(said.contains("fleet: 1 lines were left out"), "{said}");
}

#[test]
fn mistakes_are_said_in_one_line() {
    let said = |command: &mut Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let nothing = said(&mut fleet(&[]));
    assert_eq!(nothing, "fleet: what shall run? Write `--local`, or `feed`, `worker` or `status`\n");
    let nowhere = said(&mut fleet(&["worker"]));
    assert_eq!(nowhere, "fleet: where is the server? Write `--server nats://127.0.0.1:4222`\n");
    let uneven = said(&mut fleet(&["--local", "--window", "25"]));
    assert_eq!(uneven, "fleet: `--window 25` is not a multiple of `--step 10`\n");
    let missing = said(&mut fleet(&["--local", "--file", "/no/such/file"]));
    assert!(missing.starts_with("fleet: `/no/such/file` cannot be read: No such file"), "{missing}");
}

/// Several processes with a NATS server between them.
#[cfg(feature = "nats")]
mod server {
    use std::io::Read;
    use std::net::TcpStream;
    use std::process::{Child, Stdio};
    use std::time::{Duration, Instant};

    use stage_connect::laws::{Process, free_port, installed};

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(2);

    /// Asks again until it is so.
    fn until(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn status(url: &str) -> String {
        String::from_utf8(fleet(&["status", "--server", url]).output().unwrap().stdout).unwrap()
    }

    fn worker(url: &str) -> Child {
        let mut command = fleet(&["worker", "--window", "20", "--step", "10", "--server", url]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Interrupts a worker, and returns what it printed.
    fn end(mut worker: Child) -> String {
        let killed = Command::new("kill").arg(worker.id().to_string()).status().unwrap();
        assert!(killed.success());
        let mut text = String::new();
        worker.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(worker.wait().unwrap().success(), "{text}");
        text
    }

    #[test]
    fn two_workers_rank_the_same_as_a_loop() {
        let Some(program) = installed("nats-server") else { return };
        let folder = tempfile::tempdir().unwrap();
        let (port, file) = (free_port(), folder.path().join("clicks"));
        fs::write(&file, clicks()).unwrap();
        let mut command = Command::new(program);
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let _server = Process::start(command);
        until("the server answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let url = format!("nats://127.0.0.1:{port}");
        let workers = [worker(&url), worker(&url)];
        until("both workers have their share", || {
            let status = status(&url);
            status.matches("2 workers").count() == 2 && !status.contains("nobody")
        });
        let feed = fleet(&["feed", "--server", &url, "--file"]).arg(&file).output().unwrap();
        assert!(feed.status.success(), "{}", String::from_utf8_lossy(&feed.stderr));
        until("everything is counted", || status(&url).matches(": 0 frames wait").count() == 2);
        let lines: String = workers.into_iter().map(end).collect();
        assert_eq!(ranked(&lines), expected());
    }
}
