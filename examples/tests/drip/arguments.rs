//! Exit codes for bad usage: 2, with nothing done; 0 if only help was requested.

use crate::support::Home;

#[test]
fn bad_usage_is_exit_code_2_and_leaves_nothing_behind() {
    let bad: [&[&str]; 8] = [
        &[],
        &["sideload"],
        &["--jsn", "ls"],
        &["download", "--to", "back"],
        &["download", "--all"],
        &["--storage", "gopher://attic", "ls"],
        &["--database", "gopher://attic", "ls"],
        &["upload", "files", "--user", "invalid"],
    ];
    for arguments in bad {
        let home = Home::new();
        let ended = home.run(arguments).expect_code(2);
        assert!(!ended.stderr.trim().is_empty(), "says what is wrong: {}", ended.told());
        assert!(!home.back().path().exists(), "{}", ended.told());
    }
}

#[test]
fn an_unsupported_database_is_refused() {
    let ended = Home::new().run(["--database", "mysql://attic/drip", "ls"]).expect_code(2);
    ended.expect_one_line("mysql://attic/drip", &["sqlite://path", "postgres://"]);
}

#[test]
fn help_and_version_are_exit_code_0() {
    for arguments in [["--help"], ["--version"]] {
        let ended = Home::new().run(arguments).expect_code(0);
        assert!(!ended.stdout.trim().is_empty(), "{}", ended.told());
    }
}

#[test]
fn an_unknown_id_is_one_failed_transfer() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.upload();
    for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "not-an-id"] {
        let ended = home.run(["download", id, "--to", "back"]).expect_code(1);
        ended.expect_one_line(id, &["no file"]);
    }
}
