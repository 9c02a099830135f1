//! Is every file stored once, and whole, however often drip is killed while it uploads them?

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::support::{Home, Started, Tree, bytes, sealed_len};

/// Longer than any run takes.
const LIMIT: Duration = Duration::from_mins(2);

/// The smallest file; no database has a file of the size of the objects.
const SIZE: usize = 3_000;

/// How far the sizes of files go up.
const SIZES: usize = 50;

/// Numbers that only a seed decides (`SplitMix64`; Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn up_to(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        1 + usize::try_from((z ^ (z >> 31)) % most as u64).expect("a small number")
    }
}

fn objects(home: &Home) -> usize {
    let sizes = sealed_len(SIZE) as u64..sealed_len(SIZE + SIZES) as u64;
    let is_object = |file: &PathBuf| fs::metadata(file).is_ok_and(|data| sizes.contains(&data.len()));
    Tree::new(home.data()).files().iter().filter(|file| is_object(file)).count()
}

/// Waits until there are so many objects, or the upload has ended; says whether it runs.
fn runs_until(home: &Home, upload: &mut Started, wanted: usize) -> bool {
    let begin = Instant::now();
    while objects(home) < wanted {
        if upload.has_ended() {
            return false;
        }
        assert!(begin.elapsed() < LIMIT, "it has not stored {wanted} files in {LIMIT:?}");
        thread::yield_now();
    }
    true
}

fn upload(home: &Home, folder: &Path) -> Started {
    home.start(["upload".as_ref(), folder.as_os_str()])
}

/// Uploads so many files, kills drip so many times in the middle of it, and has the last run complete it.
fn killed(files: usize, kills: usize) {
    let home = Home::new();
    for number in 0..files {
        let size = SIZE + number % SIZES;
        home.files().write(format!("{number:04}.bin"), bytes(number as u64, size));
    }
    let empty = home.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    let mut random = Random(files as u64);
    let (mut folder, mut killed) = (home.files().path().to_owned(), 0);
    while killed < kills {
        let mut run = upload(&home, &folder);
        let wanted = objects(&home) + random.up_to(2 * files / kills - 1);
        if !runs_until(&home, &mut run, wanted.min(files)) {
            break;
        }
        // It is killed when it is dropped.
        drop(run);
        killed += 1;
        // What is queued already is not queued again; an empty folder adds nothing.
        folder.clone_from(&empty);
    }
    assert!(killed > kills / 2, "only {killed} kills: the upload was over");
    upload(&home, &empty).wait().expect_code(0);
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about(".bin").len(), files, "each file is there once");
    assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
    assert_eq!(objects(&home), files, "no object without a file");
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn an_upload_that_is_killed_again_and_again_stores_every_file_once() {
    killed(200, 8);
}

#[test]
#[ignore = "takes some minutes: cargo test -p tests --test drip -- --ignored"]
fn an_upload_of_2000_files_that_is_killed_50_times_stores_every_file_once() {
    killed(2_000, 50);
}
