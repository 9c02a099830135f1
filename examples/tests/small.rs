//! The small examples run, end by themselves, and print the results they promise.
#![forbid(unsafe_code)]

use std::process::Command;

/// Runs a program and returns its output lines.
fn lines(program: &str) -> Vec<String> {
    let output = Command::new(program).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let printed = String::from_utf8(output.stdout).expect("text");
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn the_counter_stops_when_its_consumer_has_seen_enough() {
    let lines = lines(env!("CARGO_BIN_EXE_counter"));
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line.trim().parse().ok()).collect();
    assert!(numbers.iter().copied().eq((0..).step_by(2).take(numbers.len())), "{numbers:?}");
    assert!(numbers.last().is_some_and(|last| *last >= 50), "{numbers:?}");
    assert_eq!(lines.last(), Some(&format!("printed {} numbers", numbers.len())));
}

#[test]
fn the_copies_of_parallel_stages_share_the_work_and_lose_nothing() {
    let lines = lines(env!("CARGO_BIN_EXE_parallel_stages"));
    let shares: Vec<u64> = lines
        .iter()
        .filter_map(|line| line.split_once(" handled ")?.1.strip_suffix(" of 1000")?.parse().ok())
        .collect();
    assert_eq!((shares.len(), shares.iter().sum::<u64>()), (4, 1_000));
    assert_eq!(lines.last().map(String::as_str), Some("their sum is 333833500"));
}

#[test]
fn a_stream_delivers_every_reading_in_order() {
    let lines = lines(env!("CARGO_BIN_EXE_stream_source"));
    let expected = (0..6).flat_map(|hour| [180 + hour * 5, 182 + hour * 5]);
    let expected: Vec<_> = expected.map(|tenths| format!("{:.1} °C", f64::from(tenths) / 10.0)).collect();
    assert_eq!(lines[..12], expected[..]);
    assert_eq!(lines[12..], ["12 readings"]);
}

#[test]
fn a_shared_rate_limit_is_kept_in_total() {
    let lines = lines(env!("CARGO_BIN_EXE_rate_limiter"));
    let sent: Vec<_> = lines.iter().map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(sent[..2], ["50 mails", "50 texts"]);
    let early: f64 = lines[..2].iter().map(|line| number_after(line, ", ")).sum();
    // The burst, and 200 per second.
    assert!(early <= 12.0 + number_after(&lines[0], "first ") / 5.0, "{lines:?}");
}

#[test]
fn every_event_gets_a_worker_that_is_restarted_on_failure() {
    let lines = lines(env!("CARGO_BIN_EXE_per_event_workers"));
    assert!(lines[0].ends_with("was ended by hand"), "{lines:?}");
    // 14 numbers up to 100 are multiples of 7; 42 never answers, and 70 is a multiple of 10.
    assert_eq!(lines[1..], ["89 fetched, 10 skipped, 1 ended, 12 attempts failed"]);
}

#[test]
fn every_notification_reaches_its_user_and_is_timed() {
    let lines = lines(env!("CARGO_BIN_EXE_realtime_push"));
    assert_eq!(lines[0], "10600 delivered, 0 to the wrong user");
    let worked = number_after(&lines[1], "worker time: p50 ");
    let waited = number_after(&lines[2], "push to delivery: p50 ");
    assert!(worked <= waited, "a notification waits for its worker: {lines:?}");
    for (line, p50) in lines[1..].iter().zip([worked, waited]) {
        assert!(p50 <= number_after(line, "p99 ") && line.ends_with(" of 10600"), "{line}");
    }
    assert_eq!(lines.len(), 3);
}

#[test]
fn events_are_completed_from_a_database_in_their_order() {
    let lines = lines(env!("CARGO_BIN_EXE_augment"));
    assert_eq!(lines[1], "1: 100 bytes of daniel_caixinha@elixir.pt");
    assert_eq!(lines.last().map(String::as_str), Some("200 completed, in order: true"));
}

#[test]
fn a_broadcast_reaches_every_subscriber_with_its_selection() {
    let lines = lines(env!("CARGO_BIN_EXE_broadcast_events"));
    let everything = lines[1..8].join(",");
    assert_eq!(lines[0], "everything: 7");
    assert!(everything.starts_with("  Ordered(\"Joe\"),  Paid(\"Joe\"),  Ordered(\"Mike\")"), "{everything}");
    assert_eq!(lines[8..12], ["orders: 3", lines[1].as_str(), &lines[3], &lines[5]]);
    assert_eq!(lines[12..], ["of Mike: 3", lines[3].as_str(), &lines[4], &lines[7]]);
}

#[test]
fn a_durable_producer_redelivers_the_unfinished_jobs_of_a_killed_process() {
    let lines = lines(env!("CARGO_BIN_EXE_durable_producer"));
    let jobs = |from: u32, to: u32| (from..=to).map(|job| format!("job {job}"));
    let expected = jobs(1, 6)
        .chain(["the first process was killed: true; 7 jobs are left".to_owned()])
        .chain(jobs(6, 12))
        .chain(["the second did 7; 0 are left".to_owned()]);
    assert_eq!(lines, expected.collect::<Vec<_>>());
}

#[test]
fn a_user_who_floods_a_queue_does_not_delay_the_others() {
    let lines = lines(env!("CARGO_BIN_EXE_fair_dispatch"));
    let ada: Vec<_> = lines[2].split_whitespace().collect();
    assert_eq!(ada[..3], ["ada", "10", "1009"], "{lines:?}");
    // Four users in turn, plus the events the worker had received before the first turn.
    assert!(ada[3].parse::<u32>().is_ok_and(|before| before < 4 * 10 + 2), "{lines:?}");
    assert_eq!(lines[5], "all were done: 1040, 1040");
}

/// Parses the number that follows `what`.
fn number_after(line: &str, what: &str) -> f64 {
    let (_, rest) = line.split_once(what).expect(line);
    rest.split(' ').next().and_then(|number| number.parse().ok()).expect(line)
}
