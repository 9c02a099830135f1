//! A master key that is missing, unreadable or wrong: a clear message, and no new key.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Home, bytes};

fn uploaded() -> Home {
    let home = Home::new();
    home.files().write("a.bin", bytes(1, 3000));
    home.files().write("b.bin", bytes(2, 4000));
    home.upload();
    home
}

#[test]
fn a_new_key_is_for_its_owner_only() {
    let mode = fs::metadata(uploaded().key()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "mode {mode:o}");
}

#[test]
fn a_wrong_key_fails_every_file_by_name() {
    let home = uploaded();
    fs::write(home.key(), bytes(9, 32)).unwrap();
    let ended = home.download_all().expect_code(1);
    ended.expect_one_line("a.bin", &["wrong key"]);
    ended.expect_one_line("b.bin", &["wrong key"]);
    assert!(home.back().files().is_empty(), "{:?}", home.back().files());
}

#[test]
fn a_missing_key_is_reported_and_not_replaced() {
    let home = uploaded();
    let key = home.key();
    let name = key.file_name().unwrap().to_str().unwrap();
    fs::remove_file(&key).unwrap();
    let ended = home.download_all();
    assert!(matches!(ended.code, Some(1 | 2)), "{}", ended.told());
    ended.expect_one_line(name, &["missing"]);
    assert!(!key.exists(), "a new key opens nothing that is stored: {}", ended.told());
}

#[test]
fn a_key_of_the_wrong_length_is_reported() {
    let home = uploaded();
    let key = home.key();
    let name = key.file_name().unwrap().to_str().unwrap();
    fs::write(&key, "too short").unwrap();
    let ended = home.download_all();
    assert!(matches!(ended.code, Some(1 | 2)), "{}", ended.told());
    ended.expect_one_line(name, &["32", "9"]);
}

#[test]
fn a_key_that_is_a_fifo_is_reported_and_not_awaited() {
    let home = uploaded();
    let key = home.key();
    fs::remove_file(&key).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&key).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    home.download_all().expect_code(1).expect_one_line("master.key", &["not a regular file"]);
}
