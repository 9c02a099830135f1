//! Two drips on one PostgreSQL database and one storage, killed again and again: every file is stored once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use drip::repository::{self, Database, MediaId};
use tokio_postgres::Transaction;

use crate::support::{Home, Started, Tree, bytes};

#[path = "../../../connect/postgres/tests/kit/mod.rs"]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
pub(crate) mod kit;

use kit::{PASSWORD, Postgres};

const FILES: usize = 240;

const KILLS: usize = 8;

/// Longer than any run takes.
const LIMIT: Duration = Duration::from_mins(2);

/// One drip, with a data folder of its own.
struct Drip<'a> {
    home: Home,
    shared: &'a Shared,
}

/// The places that all drips share.
struct Shared {
    database: String,
    storage: Tree,
    config: PathBuf,
}

impl Drip<'_> {
    fn command(&self, arguments: &[&str], path: Option<&Path>) -> Started {
        let Shared { database, storage, config } = self.shared;
        let mut all: Vec<OsString> =
            ["--database", database, "--storage-faults", "wait=5"].map(Into::into).into();
        all.extend(["--storage".into(), storage.path().into(), "--config".into(), config.into()]);
        all.extend(arguments.iter().map(Into::into));
        all.extend(path.map(Into::into));
        self.home.start(all)
    }

    fn upload(&self, folder: &Path) -> Started {
        self.command(&["upload"], Some(folder))
    }
}

fn objects(storage: &Tree) -> usize {
    storage.files().iter().filter(|file| !file.to_string_lossy().contains('#')).count()
}

/// Waits until there are `wanted` objects, or the run has ended.
fn wait_for(storage: &Tree, wanted: usize, run: &mut Started) {
    let begin = Instant::now();
    while objects(storage) < wanted && !run.has_ended() {
        assert!(begin.elapsed() < LIMIT, "they have not stored {wanted} files in {LIMIT:?}");
        thread::yield_now();
    }
}

#[test]
fn two_drips_that_are_killed_again_and_again_store_every_file_once() {
    let Some(server) = Postgres::start() else { return };
    let place = Home::new();
    let config = place.path().join("two.toml");
    fs::write(&config, "[upload.steps.remote_storage]\ncount = 2\n").expect("a file");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    for number in 0..FILES {
        place.files().write(format!("{number:04}.bin"), bytes(number as u64, 3_000 + number % 50));
    }
    let storage = Tree::new(place.path().join("storage"));
    let shared = Shared { database: server.address(), storage, config };
    let [one, other] = [(), ()].map(|()| Drip { home: Home::new(), shared: &shared });

    // The first run makes the key, which all drips of a database need.
    one.upload(&empty).wait().expect_code(0);
    fs::create_dir_all(other.home.data()).expect("a folder");
    fs::copy(one.home.key(), other.home.data().join("master.key")).expect("a key");

    // One walks the folder each time it starts; the other one works on the queue.
    let folders = [place.files().path().to_owned(), empty.clone()];
    let drips = [&one, &other];
    let start = |which: usize| Some(drips[which].upload(&folders[which]));
    let mut runs = [start(0), start(1)];
    for kill in 0..KILLS {
        let wanted = objects(&shared.storage) + FILES / (2 * KILLS);
        let run = &mut runs[kill % 2];
        if let Some(run) = run {
            wait_for(&shared.storage, wanted.min(FILES), run);
        }
        // Dropping the run kills it, and frees its data folder for the next one.
        *run = None;
        *run = start(kill % 2);
        if runs[1].as_mut().is_some_and(Started::has_ended) {
            // The queue was empty for a moment.
            runs[1] = None;
            runs[1] = start(1);
        }
    }
    let stored = objects(&shared.storage);
    println!("{stored} of {FILES} objects after {KILLS} kills");
    for run in runs.into_iter().flatten() {
        run.wait().expect_code(0);
    }
    // What a killed drip held is back when another one starts.
    one.upload(&folders[0]).wait().expect_code(0);

    let listed = other.command(&["ls"], None).wait().expect_code(0);
    assert_eq!(listed.lines_about(".bin").len(), FILES, "each file is there once");
    assert_eq!(objects(&shared.storage), FILES, "no object without a file");
    let back = other.home.back();
    other.command(&["download", "--all", "--to"], Some(back.path())).wait().expect_code(0);
    back.expect_same(&place.files(), &[]);
    other.command(&["verify"], None).wait().expect_code(0);
    let left = runtime().block_on(async {
        let left = "SELECT (SELECT count(*) FROM drip_transfers) +
                           (SELECT count(*) FROM drip_media WHERE uploaded_at IS NULL OR removed_at IS NOT NULL)";
        server.client().await.query_one(left, &[]).await.expect("a count").get::<_, i64>(0)
    });
    assert_eq!(left, 0, "no work is left");
}

/// Two transactions change the same two rows, in different orders.
#[test]
fn a_transaction_that_the_server_undoes_for_a_deadlock_is_made_again() {
    let Some(server) = Postgres::start() else { return };
    runtime().block_on(async {
        let database = Database::parse(&server.address()).expect("an address");
        let repository = repository::open(&database).await.expect("a database");
        let user = repository.user("somebody").await.expect("a user");
        let [mut other, watch] = [server.client().await, server.client().await];
        let [first, second] = [MediaId::new(), MediaId::new()];
        for media in [first, second] {
            let (id, key) = (media.0.as_bytes().to_vec(), media.storage_key());
            let add = "INSERT INTO drip_media (id, user_id, relative_path, full_path, size, storage_key, created_at, updated_at)
                       VALUES ($1, $2, $1, $1, 0, $3, 0, 0)";
            other.execute(add, &[&id, &user.0, &key]).await.expect("a row");
        }
        // The server rolls back the transaction that first checks for a deadlock, so this one checks late.
        other.batch_execute("SET deadlock_timeout = '1min'").await.expect("a setting");
        let change = async |all: &Transaction<'_>, media: MediaId| {
            let change = "UPDATE drip_media SET seen = 1 WHERE id = $1";
            all.execute(change, &[&media.0.as_bytes().to_vec()]).await.expect("a row");
        };
        let all = other.transaction().await.expect("a transaction");
        change(&all, second).await;
        let seen = tokio::spawn(async move {
            repository.seen(vec![(first, Some(2)), (second, Some(2))]).await
        });
        let waiting = async |least: i64| {
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
            while watch.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0) < least {
                tokio::task::yield_now().await;
            }
        };
        waiting(1).await;
        change(&all, first).await;
        all.commit().await.expect("a commit");
        seen.await.expect("no panic").expect("the transaction is made again");
        let left = "SELECT count(*) FROM drip_media WHERE seen = 2";
        assert_eq!(watch.query_one(left, &[]).await.expect("a count").get::<_, i64>(0), 2);
        let deadlocks = "SELECT pg_stat_get_db_deadlocks(oid) FROM pg_database WHERE datname = current_database()";
        let counted = tokio::time::timeout(LIMIT, async {
            while watch.query_one(deadlocks, &[]).await.expect("a count").get::<_, i64>(0) == 0 {
                tokio::task::yield_now().await;
            }
        });
        counted.await.expect("the two transactions waited for each other");
    });
}

#[test]
fn a_server_that_cannot_be_reached_is_named_without_the_password() {
    let home = Home::new();
    let nobody = format!("postgres://app:{PASSWORD}@127.0.0.1:1/drip");
    for address in [nobody.as_str(), "postgres://app:s3cret-word@127.0.0.1:x/drip"] {
        let ended = home.run(["--database", address, "ls"]);
        assert_ne!(ended.code, Some(0), "{}", ended.told());
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.told());
        assert!(ended.stderr.contains("postgres://"), "{}", ended.told());
        assert_eq!(ended.stderr.trim().lines().count(), 1, "{}", ended.told());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
