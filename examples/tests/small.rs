//! Do the small examples run, end by themselves, and say what they promise?
#![forbid(unsafe_code)]

use std::process::Command;

/// What a program prints, line by line.
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
        .filter_map(|line| line.split_once(" made ")?.1.strip_suffix(" of 1000")?.parse().ok())
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
