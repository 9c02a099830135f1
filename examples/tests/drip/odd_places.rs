//! Paths that are not plain readable files: one clear line for each, and everything else is uploaded.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, chown, symlink},
    },
    path::Path,
    process::Command,
};

use crate::support::{
    CANNOT_BE_UNPRIVILEGED, Ended, Home, Started, UNPRIVILEGED, bytes, program, run_unprivileged, skipped,
};

#[test]
fn a_missing_path_is_reported_and_the_others_are_uploaded() {
    let home = Home::new();
    let there = home.files().write("there.bin", bytes(1, 5000));
    let gone = home.path().join("gone.bin");
    let ended = home.run([OsStr::new("upload"), gone.as_os_str(), there.as_os_str()]).expect_code(1);
    ended.expect_one_line("gone.bin", &["not exist"]);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn an_empty_folder_is_reported_and_is_not_a_failure() {
    let home = Home::new();
    fs::create_dir_all(home.files().path()).unwrap();
    let folder = home.files().path().display().to_string();
    home.upload().expect_one_line(&folder, &["nothing"]);
}

#[test]
fn an_empty_file_goes_up_and_comes_back_empty() {
    let home = Home::new();
    home.files().write("empty", "");
    home.upload();
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn a_name_that_is_not_utf_8_comes_back_or_is_reported() {
    let home = Home::new();
    let odd = OsStr::from_bytes(b"caf\xE9.txt");
    home.files().write("plain.txt", "plain");
    home.files().write(Path::new(odd), "odd");
    let ended = home.run([OsStr::new("upload"), home.files().path().as_os_str()]);
    if ended.code == Some(0) {
        home.download_all().expect_code(0);
        home.back().expect_same(&home.files(), &[]);
        return;
    }
    ended.expect_code(1).expect_one_line("caf", &["utf-8"]);
    home.download_all().expect_code(0);
    assert_eq!(home.back().files().len(), 1, "the plain one came back");
}

#[test]
fn broken_and_circular_links_are_uploaded_as_links() {
    let home = Home::new();
    home.files().write("inner/file.txt", "text");
    symlink("..", home.files().path().join("inner/round")).unwrap();
    symlink("itself", home.files().path().join("itself")).unwrap();
    symlink("nowhere", home.files().path().join("broken")).unwrap();
    home.upload();
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
    for (link, target) in [("inner/round", ".."), ("itself", "itself"), ("broken", "nowhere")] {
        assert_eq!(fs::read_link(home.back().path().join(link)).unwrap(), Path::new(target));
    }
}

#[test]
fn special_files_are_reported() {
    let home = Home::new();
    home.files().write("file.txt", "text");
    let pipe = home.files().path().join("a-fifo");
    let made = Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        return skipped("special_files_are_reported", "mkfifo does not work here");
    }
    let ended = home.run([OsStr::new("upload"), home.files().path().as_os_str()]);
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.told());
    ended.expect_one_line("a-fifo", &[]);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

/// Reading `/proc/kmsg` waits for the kernel's next message, which may take days.
#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_read_would_block_fails_by_name_and_does_not_keep_drip_from_ending() {
    let home = Home::new();
    home.files().write("plain.txt", "plain");
    let plain = home.files().path().join("plain.txt");
    let ended = home.run([OsStr::new("upload"), "/proc/kmsg".as_ref(), plain.as_os_str()]).expect_code(1);
    ended.expect_one_line("kmsg", &["failed"]);
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about("plain.txt").len(), 1);
}

#[test]
fn hidden_folders_target_and_the_data_folder_never_go_up() {
    let home = Home::new();
    let kept = home.files().write("src/main.rs", "fn main() {}");
    home.files().write("src/targets/list", "not `target`");
    home.files().write(".git/config", "hidden");
    home.files().write("sub/.cache/x", "hidden");
    home.files().write("target/debug/x", "built");
    home.files().write("sub/target/x", "built");
    // The data folder lies in the uploaded tree, under a name that no other rule would exclude.
    let data = home.files().path().join("sub/store");
    let drip = |arguments: &[&OsStr]| {
        let mut command = Command::new(program());
        command.arg("--data").arg(&data).args(arguments);
        Started::new(&mut command).wait()
    };
    let files = home.files();
    let upload = [OsStr::new("upload"), files.path().as_os_str()];
    drip(&upload).expect_code(0);
    drip(&upload).expect_code(0);

    let listed = drip(&[OsStr::new("ls")]).expect_code(0);
    for (name, times) in [("main.rs", 1), ("list", 1), ("config", 0), ("/x", 0), ("store", 0)] {
        assert_eq!(listed.lines_about(name).len(), times, "{name}: {}", listed.told());
    }
    assert!(kept.exists(), "an upload leaves the files where they are");
}

#[test]
fn unreadable_files_are_reported_and_the_others_are_uploaded() {
    let test = "unreadable_files_are_reported_and_the_others_are_uploaded";
    let home = Home::new();
    home.files().write("readable.txt", "text");
    let file = home.files().write("secret.txt", "secret");
    let folder = home.files().write("closed/inside.txt", "inside");
    let folder = folder.parent().unwrap();
    let forbid = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    forbid(&file, 0o000);
    forbid(folder, 0o000);
    if fs::read(&file).is_err() {
        // Not root: this user cannot read the files either.
        let ended = home.run([OsStr::new("upload"), home.files().path().as_os_str()]);
        forbid(folder, 0o755);
        expect_refused(&ended.expect_code(1));
        return;
    }
    let Some(ended) = upload_unprivileged(&home) else {
        return skipped(test, CANNOT_BE_UNPRIVILEGED);
    };
    expect_refused(&ended.expect_code(1));
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about("readable.txt").len(), 1, "{}", listed.told());
    assert_eq!(listed.lines_about("secret.txt").len(), 0, "{}", listed.told());
}

#[track_caller]
fn expect_refused(ended: &Ended) {
    ended.expect_one_line("secret.txt", &["permission denied"]);
    ended.expect_one_line("closed", &["permission denied"]);
}

/// Uploads the tree as an unprivileged user that owns the data folder; `None` if the test cannot become that
/// user.
fn upload_unprivileged(home: &Home) -> Option<Ended> {
    fs::create_dir(home.data()).expect("a data folder");
    chown(home.data(), Some(UNPRIVILEGED), None).ok()?;
    run_unprivileged(home, [OsStr::new("upload"), home.files().path().as_os_str()])
}
