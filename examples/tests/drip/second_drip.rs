//! Two drips on one data folder: one writes, and any number may read; a second writer is refused.

use std::{
    ffi::OsStr,
    fs::File,
    time::{Duration, Instant},
};

use crate::support::{Ended, Home, Started, bytes};

/// Long enough to observe the first drip at work.
const LIMIT: Duration = Duration::from_mins(1);

/// Size of a file that keeps a drip busy for seconds; it takes no room on the disk.
const LARGE: u64 = 2 << 30;

#[test]
fn a_second_drip_that_writes_is_refused_with_the_pid_of_the_first_and_one_that_reads_is_not() {
    let home = Home::new();
    home.files().write("small.txt", "text");
    home.upload();
    let (first, refused) = first_at_work(&home);

    // Commands that only read work concurrently.
    for command in ["ls", "failed", "queue", "usage"] {
        let ended = home.run([command]).expect_code(0);
        assert!(ended.stderr.is_empty(), "{}", ended.told());
    }
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about("small.txt").len(), 1);
    assert_eq!(home.run(["queue"]).expect_code(0).lines_about("large.bin").len(), 1);

    let pid = first.pid().to_string();
    assert!(matches!(refused.code, Some(1 | 2)), "{}", refused.told());
    refused.expect_one_line(&pid, &[]);
    let folder = home.data();
    assert!(refused.stderr.contains(folder.to_str().unwrap()), "names the folder: {}", refused.told());
    let file = home.files().write("more.txt", bytes(1, 10));
    let upload = home.run([OsStr::new("upload"), file.as_os_str()]);
    assert_ne!(upload.code, Some(0), "{}", upload.told());
    upload.expect_one_line(&pid, &[]);

    drop(first);
    home.run(["ls"]).expect_code(0);
}

/// Starts a long upload, and runs a second drip until that is refused: the first one is then at work.
fn first_at_work(home: &Home) -> (Started, Ended) {
    let large = home.path().join("large.bin");
    let file = File::create(&large).expect("a new file");
    file.set_len(LARGE).expect("a file with a hole");
    let upload = [OsStr::new("upload"), large.as_os_str()];
    let begin = Instant::now();
    let mut first = home.start(upload);
    while begin.elapsed() < LIMIT {
        // Without a path, it only continues with the queue.
        let second = home.run(["upload"]);
        if first.has_ended() {
            // The second drip was faster, and the first was refused.
            first = home.start(upload);
        } else if second.code != Some(0) {
            return (first, second);
        }
    }
    panic!("no second drip was refused in {LIMIT:?}");
}
