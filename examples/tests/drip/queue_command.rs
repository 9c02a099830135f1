//! The command that lists and empties the queue.

use crate::support::{Database, Home};

/// Creates a home in whose queue 30 uploads wait.
fn home_with_a_queue() -> Home {
    let home = Home::new();
    for number in 0..30 {
        home.files().write(format!("{}/{number:02}.bin", if number < 20 { "one" } else { "two" }), "content");
    }
    // The storage is down, so no job leaves the queue before the signal.
    let upload =
        home.start(["--storage-faults", "refuse=1000000", "upload", "files"]).until_it_says("waiting:");
    upload.interrupt();
    upload.wait().expect_code(130);
    home
}

#[test]
fn queue_lists_waiting_transfers_and_forgets_all_or_those_below_a_path() {
    let home = home_with_a_queue();
    let listed = home.run(["queue"]).expect_code(0);
    assert_eq!(listed.lines_about(".bin").len(), 30, "{}", listed.told());
    let json = home.run(["queue", "files/two", "--json"]).expect_code(0).json();
    let transfers = json["transfers"].as_array().expect("transfers");
    assert_eq!((transfers.len(), &json["files"]), (10, &10.into()), "{json:#}");
    assert!(transfers.iter().all(|transfer| transfer["direction"] == "upload"), "{json:#}");

    let forgot = home.run(["queue", "files/two", "--forget"]).expect_code(0);
    assert!(forgot.stdout.contains("forgot 10 transfers"), "{}", forgot.told());
    let database = Database::of(&home);
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE lessee IS NULL AND attempts = 0"), 20);
    assert_eq!(database.number("SELECT count(*) FROM media"), 20, "their media are gone too");
    drop(database);
    home.run(["queue", "--forget"]).expect_code(0);
    Database::of(&home).expect_done();
    home.run(["upload"]).expect_code(0).expect_one_line("nothing to upload", &[]);
    home.upload();
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about(".bin").len(), 30);
}

#[test]
fn a_download_names_queued_downloads_and_the_queue_can_drop_them() {
    let home = Home::new();
    home.files().write("a.bin", "a");
    home.files().write("b.bin", "b");
    home.upload();
    let arguments = ["--storage-faults", "refuse=1000000", "download", "--all", "--to", "back"];
    let download = home.start(arguments).until_it_says("waiting:");
    download.interrupt();
    download.wait().expect_code(130);
    let listed = home.run(["queue", "--json"]).expect_code(0).json();
    assert_eq!(listed["transfers"][0]["direction"], "download", "{listed:#}");
    let id = listed["transfers"][0]["id"].as_str().expect("an id").to_owned();
    let told = home.run(["download", &id, "--to", "back"]).expect_code(0);
    told.expect_one_line("2 downloads", &["earlier run", "drip queue --forget"]);
    assert_eq!(home.back().files().len(), 2);
}
