//! A database that is lost, altered or another program's: drip reports it, and the stored objects identify
//! themselves.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt};

use rusqlite::Connection;

use crate::support::{Home, bytes};

fn uploaded() -> Home {
    let home = Home::new();
    home.files().write("sub/a.bin", bytes(1, 3_000));
    home.files().write("b.bin", bytes(2, 600_000));
    fs::set_permissions(home.files().path().join("b.bin"), fs::Permissions::from_mode(0o640))
        .expect("permissions");
    home.upload();
    home
}

fn lose_database(home: &Home) {
    for name in ["drip.db", "drip.db-wal", "drip.db-shm"] {
        let _ = fs::remove_file(home.data().join(name));
    }
}

#[test]
fn a_lost_database_is_an_error_with_a_remedy_and_rebuild_recreates_it() {
    let home = uploaded();
    lose_database(&home);
    let download = ["download", "--all", "--to", "back"];
    for command in [&["ls"][..], &download, &["upload", "files"], &["usage"]] {
        let ended = home.run(command).expect_code(1);
        ended.expect_one_line("drip.db", &["missing or empty", "drip rebuild"]);
        assert!(!home.data().join("drip.db").exists());
    }
    fs::write(home.data().join("drip.db"), "").unwrap();
    home.run(["ls"]).expect_code(1);

    let ended = home.run(["rebuild"]).expect_code(0);
    assert!(ended.stdout.contains("restored 2 files"), "{}", ended.told());
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
    let mode = home.back().path().join("b.bin").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(
        home.run(["rebuild"]).expect_code(0).stdout.contains("restored 0 files"),
        "nothing is left to restore"
    );
    home.files().write("c.bin", "more");
    home.run(["upload", "files/c.bin"]).expect_code(0);
}

#[test]
fn two_names_swapped_in_the_database_are_detected_and_rebuild_corrects_them() {
    let home = uploaded();
    let database = Connection::open(home.data().join("drip.db")).unwrap();
    let swap = "UPDATE media SET relative_path = CASE relative_path WHEN CAST('b.bin' AS BLOB)
                THEN CAST('sub/a.bin' AS BLOB) ELSE CAST('b.bin' AS BLOB) END";
    assert_eq!(database.execute(swap, []).unwrap(), 2);
    drop(database);
    let ended = home.download_all().expect_code(1);
    let told = ended.lines_about("the database was altered");
    assert!(told.len() == 2 && told.iter().all(|line| line.contains("drip rebuild")), "{}", ended.told());
    assert!(home.back().files().is_empty());
    home.run(["verify"]).expect_code(1);

    home.run(["rebuild"]).expect_code(0);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn a_database_of_another_program_is_refused_and_not_changed() {
    let home = uploaded();
    let path = home.path().join("o.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (id INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    let ended = home.run([OsStr::new("--database"), path.as_os_str(), "ls".as_ref()]).expect_code(1);
    ended.expect_one_line("o.db", &["not a database of drip", "notes", "--database"]);
    assert!(fs::read(&path).unwrap() == before);
    assert!(!home.path().join("o.db-wal").exists());
}

#[test]
fn verify_reads_everything_and_names_unreadable_files() {
    let home = uploaded();
    let ended = home.run(["verify"]).expect_code(0);
    assert!(ended.stdout.contains("verified 2 files"), "{}", ended.told());
    home.object_of(600_000).tamper(|bytes| bytes[300_000] ^= 1);
    let ended = home.run(["verify"]).expect_code(1);
    ended.expect_one_line("b.bin", &["chunk 1", "altered"]);
    assert!(ended.stdout.contains("verified 1 file"), "{}", ended.told());
    home.run(["verify", "--sample", "0"]).expect_code(2);
}

#[test]
fn rm_removes_a_file_with_its_object_and_names_unknown_ids() {
    let home = uploaded();
    let listed = home.run(["ls"]).expect_code(0);
    let id = listed.lines_about("b.bin")[0].split_whitespace().next().unwrap().to_owned();
    let ended = home.run(["rm", &id, "no-such-id"]).expect_code(1);
    ended.expect_one_line("no-such-id", &["no file"]);
    assert!(ended.stdout.contains("removed 1 file"), "{}", ended.told());
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about(".bin").len(), 1);
    assert_eq!(home.objects().files().len(), 1);
    home.run(["verify"]).expect_code(0);
    lose_database(&home);
    let rebuilt = home.run(["rebuild"]).expect_code(0);
    assert!(rebuilt.stdout.contains("restored 1 file"), "removed files stay removed: {}", rebuilt.told());
}
