//! The demonstration: everything goes up and comes back equal, with the cache in use.

use std::ffi::OsStr;

use crate::support::{CHUNK, Home, bytes};

#[test]
fn the_demo_compares_everything_and_shows_files_stages_and_cache_hits() {
    let home = Home::new();
    for number in 0..20 {
        home.files().write(format!("{number}.bin"), bytes(number, 1000));
    }
    home.files().write("larger.bin", bytes(99, 4 * CHUNK));
    let ended = home.run([OsStr::new("demo"), home.files().path().as_os_str()]).expect_code(0);

    for word in ["files", "bytes", "MB/s", "cache hits"] {
        assert!(ended.stdout.contains(word), "`{word}`: {}", ended.told());
    }
    for stage in ["starter", "encryption", "remote_storage", "notifier"] {
        assert!(ended.lines_about(stage).len() >= 2, "`{stage}` up and down: {}", ended.told());
    }
    let hits = number_behind("cache hits", &ended.stdout);
    assert!(hits.is_some_and(|hits| hits > 0), "files under the bound hit the cache: {}", ended.told());
    home.run(["ls"]).expect_code(0);
}

/// Returns the first number in the line that mentions `something`.
fn number_behind(something: &str, text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(something))?;
    let behind = &line[line.find(something)? + something.len()..];
    let digits = behind.split(|c: char| !c.is_ascii_digit());
    digits.filter(|digits| !digits.is_empty()).find_map(|digits| digits.parse().ok())
}
