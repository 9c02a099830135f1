//! Repeated kills during an upload, after which every file is stored once and completely.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::support::{Database, Home, Started, bytes};

/// Longer than any run takes.
const LIMIT: Duration = Duration::from_mins(2);

/// Size of the smallest file.
const SIZE: usize = 3_000;

/// Number of different file sizes.
const SIZES: usize = 50;

/// Random numbers from a seed (`SplitMix64`; Steele, Lea, Flood, 2014).
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
    let is_whole = |file: &&PathBuf| !file.to_string_lossy().contains('#');
    home.objects().files().iter().filter(is_whole).count()
}

/// Waits until there are `wanted` objects, or the upload has ended; returns whether it still runs.
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

/// A case: the number of files and kills, the delay of the storage, and the time of the kills.
#[derive(Clone, Copy)]
struct Fire {
    files: usize,
    kills: usize,
    /// Milliseconds that each call of the storage takes.
    wait: u64,
    moments: Moments,
}

/// The time of a kill.
#[derive(Clone, Copy)]
enum Moments {
    /// Right after an object was stored, when other files are still missing.
    Stored,
    /// After a random number of milliseconds, up to this maximum: also during the start, and between two
    /// objects.
    Millis(usize),
}

impl Fire {
    fn upload(self, home: &Home, folder: &Path) -> Started {
        let faults = format!("wait={}", self.wait);
        // Two copies store, so that the upload takes equally long on every machine.
        let arguments = ["--storage-faults", &faults, "--config", "two.toml", "upload"];
        home.start(arguments.iter().map(AsRef::as_ref).chain([folder.as_os_str()]))
    }

    /// Waits until the time of the kill; returns whether drip still runs.
    fn is_time(self, home: &Home, upload: &mut Started, random: &mut Random) -> bool {
        match self.moments {
            Moments::Stored => {
                let wanted = objects(home) + random.up_to(2 * self.files / self.kills - 1);
                runs_until(home, upload, wanted.min(self.files))
            }
            Moments::Millis(most) => {
                thread::park_timeout(Duration::from_millis(random.up_to(most) as u64));
                !upload.has_ended()
            }
        }
    }

    /// Uploads the files, kills drip repeatedly midway, and completes the upload with a last run.
    fn burn(self) {
        let home = Home::new();
        for number in 0..self.files {
            let size = SIZE + number % SIZES;
            home.files().write(format!("{number:04}.bin"), bytes(number as u64, size));
        }
        fs::write(home.path().join("two.toml"), "[upload.steps.remote_storage]\ncount = 2\n")
            .expect("a file");
        let empty = home.path().join("empty");
        fs::create_dir(&empty).expect("a folder");
        let mut random = Random(self.files as u64);
        // Queued files are not queued again, so only the first runs queue them.
        let (mut folder, mut killed, mut at_work) = (home.files().path().to_owned(), 0, Duration::ZERO);
        while killed < self.kills {
            let begin = Instant::now();
            let mut run = self.upload(&home, &folder);
            if !self.is_time(&home, &mut run, &mut random) {
                break;
            }
            // Dropping the run kills it.
            drop(run);
            at_work += begin.elapsed();
            killed += 1;
            if objects(&home) > 0 {
                // An empty folder adds nothing.
                folder.clone_from(&empty);
            }
        }
        let stored = objects(&home);
        let begin = Instant::now();
        self.upload(&home, &empty).wait().expect_code(0);
        at_work += begin.elapsed();
        println!("{killed} kills, {stored} of {} objects before the last run, {at_work:?}", self.files);
        self.expect_whole(&home, killed, at_work);
    }

    fn expect_whole(self, home: &Home, killed: usize, at_work: Duration) {
        match self.moments {
            Moments::Stored => assert!(killed > self.kills / 2, "only {killed} kills: the upload was over"),
            Moments::Millis(_) => assert_eq!(killed, self.kills, "the upload was over"),
        }
        let least = Duration::from_millis(self.wait * self.files as u64 / 2);
        assert!(at_work > least, "it took {at_work:?}, the storage alone takes {least:?}");
        let listed = home.run(["ls"]).expect_code(0);
        assert_eq!(listed.lines_about(".bin").len(), self.files, "each file is there once");
        assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
        assert_eq!(objects(home), self.files, "no object without a file");
        home.download_all().expect_code(0);
        home.back().expect_same(&home.files(), &[]);
        let database = Database::of(home);
        database.expect_sound();
        database.expect_done();
    }
}

#[test]
fn an_upload_that_is_killed_again_and_again_stores_every_file_once() {
    Fire { files: 200, kills: 8, wait: 1, moments: Moments::Stored }.burn();
}

#[test]
#[ignore = "takes some minutes: cargo test -p examples --test drip -- --ignored --nocapture"]
fn an_upload_of_2000_files_that_is_killed_50_times_stores_every_file_once() {
    Fire { files: 2_000, kills: 50, wait: 90, moments: Moments::Millis(2_000) }.burn();
}
