//! The hashtag battle counts the same as a loop over the file, even when the feed drops out.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Generates entries over 100 seconds: `#rust` at a constant rate, `#elixir` twice as often in the second
/// half.
fn entries() -> String {
    let mut text = String::new();
    for second in 0..100 {
        let _ = writeln!(text, "{} I like #Rust, and #others", second * 1000);
        for part in 0..if second < 50 { 0 } else { 2 } {
            let _ = writeln!(text, "{} #elixir #elixir", second * 1000 + 100 + part);
        }
    }
    text
}

fn battle(file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hashtag_battle"));
    command.args(["#rust", "#elixir", "--speed", "0", "--window", "20", "--step", "10", "--file"]).arg(file);
    command.args(more).output().unwrap()
}

/// Returns the counts of a plain loop.
fn expected() -> String {
    let clock = |second: i64| {
        let sign = if second < 0 { "-" } else { "" };
        format!("{sign}0:{:02}:{:02}", second.abs() / 60, second.abs() % 60)
    };
    let mut text = String::new();
    for start in (-10..100).step_by(10) {
        let within = |second: &i64| (start..start + 20).contains(second);
        let rust = (0..100).filter(within).count();
        let elixir = (50..100).filter(within).count() * 2;
        let mut ranking = [(rust, "#rust"), (elixir, "#elixir")];
        ranking.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
        let [one, other] = ranking.map(|(count, tag)| format!("  {tag} {count}"));
        let _ = writeln!(text, "{}-{}{one}{other}", clock(start), clock(start + 20));
    }
    text
}

#[test]
fn every_window_has_the_counts_of_a_loop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entries");
    fs::write(&file, entries()).unwrap();
    let output = battle(&file, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected());
}

#[test]
fn a_feed_that_drops_out_and_comes_back_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entries");
    fs::write(&file, entries()).unwrap();
    let output = battle(&file, &["--drop-out", "70"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected());
    let said = String::from_utf8(output.stderr).unwrap();
    let lost = said.lines().filter(|line| line.contains("disconnected; next attempt in 0.10 s")).count();
    let back = said.lines().filter(|line| line.ends_with("reconnected")).count();
    // 200 entries in connections of 70.
    assert_eq!((lost, back), (2, 2), "{said}");
}

#[test]
fn a_missing_or_invalid_feed_is_an_error() {
    let output = battle(Path::new("/no/such/file"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("hashtag_battle: `/no/such/file` cannot be read: No such file"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entries");
    fs::write(&file, "0 #rust\nyesterday #rust\n").unwrap();
    let said = String::from_utf8(battle(&file, &[]).stderr).unwrap();
    assert!(said.contains("byte 8: expected milliseconds, a space and a text"), "{said}");
}
