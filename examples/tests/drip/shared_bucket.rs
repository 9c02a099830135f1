//! Two drips on two machines, on one PostgreSQL database and one bucket of an S3 service: they are killed again and again,
//! and every file is stored once.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stage_connect::laws::Scale;

use crate::machines::{BUCKET, Bucket, Machine, Network};
use crate::shared_database::kit::Postgres;
use crate::support::{Home, Started, bytes};

/// Longer than the files of one kill take.
const LIMIT: Duration = Duration::from_mins(5);

/// The time after which the server takes a machine that was cut off for dead, and as long again.
const LEASE: Duration = Duration::from_secs(50);

/// What all drips share.
struct Shared<'a> {
    server: &'a Postgres,
    bucket: &'a Bucket,
    config: PathBuf,
    runtime: tokio::runtime::Runtime,
}

/// A drip on a machine, with a data folder of its own.
struct Drip<'a> {
    home: Home,
    machine: &'a Machine,
    shared: &'a Shared<'a>,
}

impl Drip<'_> {
    fn start(&self, arguments: &[&str], path: Option<&Path>) -> Started {
        let database = self.shared.server.address().replace("127.0.0.1", &self.machine.host);
        let storage = format!("s3://{BUCKET}/drips");
        let mut all: Vec<OsString> =
            vec!["--database".into(), database.into(), "--storage".into(), storage.into()];
        all.extend(["--config".into(), self.shared.config.clone().into()]);
        all.extend(arguments.iter().map(Into::into));
        all.extend(path.map(Into::into));
        let mut command = self.machine.command(self.home.command(all));
        self.shared.bucket.name_to(&mut command, self.machine);
        Started::new(&mut command)
    }

    fn upload(&self, folder: &Path) -> Started {
        self.start(&["upload"], Some(folder))
    }
}

impl Shared<'_> {
    /// Returns the number that a query selects.
    fn number(&self, query: &str) -> usize {
        let number = self.runtime.block_on(async {
            self.server.client().await.query_one(query, &[]).await.expect("a number").get::<_, i64>(0)
        });
        usize::try_from(number).expect("a count")
    }

    fn stored(&self) -> usize {
        self.number("SELECT count(*) FROM drip_media WHERE uploaded_at IS NOT NULL")
    }

    /// Waits until as many files are stored, or the run has ended.
    fn wait_for(&self, wanted: usize, run: &mut Started) {
        let begin = Instant::now();
        while self.stored() < wanted && !run.has_ended() {
            assert!(
                begin.elapsed() < LIMIT,
                "{} of {wanted} files are stored after {LIMIT:?}",
                self.stored()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn two_machines_on_one_bucket_store_every_file_once_and_one_takes_over_from_the_other() {
    let network = Network::new();
    let Some(server) = Postgres::start_for(&network.range()) else { return };
    let Some(bucket) = Bucket::start(&network) else { return };
    let scale = Scale::from_env();
    let (files, kills) = ((scale.messages / 50) as usize, scale.client_kills as usize);
    let place = Home::new();
    let config = place.path().join("two.toml");
    fs::write(&config, "[upload.steps.remote_storage]\ncount = 2\n").expect("a file");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    for number in 0..files {
        place.files().write(format!("{number:04}.bin"), bytes(number as u64, 3_000 + number % 50));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shared = Shared { server: &server, bucket: &bucket, config, runtime };
    let drips =
        [0, 1].map(|number| Drip { home: Home::new(), machine: &network.machines[number], shared: &shared });
    let [one, other] = &drips;

    // The first run makes the key, which all drips of a database need.
    one.upload(&empty).wait().expect_code(0);
    fs::create_dir_all(other.home.data()).expect("a folder");
    fs::copy(one.home.key(), other.home.data().join("master.key")).expect("a key");

    // Both walk the folder, so that neither finds the queue empty before all files are in it.
    let folder = place.files().path().to_owned();
    let mut runs = [Some(one.upload(&folder)), Some(other.upload(&folder))];
    for kill in 1..=kills {
        let which = kill % 2;
        if let Some(run) = &mut runs[which] {
            shared.wait_for(kill * files / (kills + 2), run);
        }
        println!("kill {kill}: {} of {files} files are stored", shared.stored());
        if kill == kills && scale.is_full() {
            // Its last packets do not reach the server either.
            drips[which].machine.set_connected(false);
        }
        // Dropping the run kills it, and frees its data folder for the next one.
        runs[which] = None;
        if kill < kills {
            runs[which] = Some(drips[which].upload(&folder));
        }
    }
    // The last one that was killed is not started again: the other one takes over.
    let (dead, survivor) = (kills % 2, (kills + 1) % 2);
    let mut alive = runs[survivor].take().expect("a run");
    let begin = Instant::now();
    while shared.stored() < files {
        assert!(begin.elapsed() < LEASE, "no drip takes over: {} of {files} are stored", shared.stored());
        if alive.has_ended() {
            // As a service manager does.
            alive.wait().expect_code(0);
            alive = drips[survivor].upload(&empty);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{files} files, {kills} kills; taken over in {:.1} s", begin.elapsed().as_secs_f64());
    alive.wait().expect_code(0);
    network.machines[dead].set_connected(true);

    let listed = other.start(&["ls"], None).wait().expect_code(0);
    assert_eq!(listed.lines_about(".bin").len(), files, "each file is there once");
    assert_eq!(bucket.keys().len(), files, "each file is stored once");
    let back = other.home.back();
    other.start(&["download", "--all", "--to"], Some(back.path())).wait().expect_code(0);
    back.expect_same(&place.files(), &[]);
    one.start(&["verify"], None).wait().expect_code(0);
    let left = "SELECT (SELECT count(*) FROM drip_transfers) +
                       (SELECT count(*) FROM drip_media WHERE uploaded_at IS NULL OR removed_at IS NOT NULL)";
    assert_eq!(shared.number(left), 0, "no work is left");
}
