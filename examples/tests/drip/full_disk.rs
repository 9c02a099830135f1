//! A full disk: one clear line, nothing half-stored, and nothing lost once there is room again.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Database, Home, Tree, bytes, skipped};

const MIB: usize = 1024 * 1024;

/// A small disk; unmounted when dropped.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of `size` MiB, or returns the reason for which that is impossible here.
    fn mounted(at: PathBuf, size: usize) -> Result<Self, String> {
        fs::create_dir_all(&at).map_err(|error| error.to_string())?;
        let disk = Self { at };
        disk.mount(&format!("size={size}m"))?;
        Ok(disk)
    }

    fn grow(&self, size: usize) {
        self.mount(&format!("remount,size={size}m")).expect("a mounted disk can grow");
    }

    fn mount(&self, options: &str) -> Result<(), String> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.at);
        let done = mount.output().map_err(|error| format!("mount: {error}"))?;
        let said = String::from_utf8_lossy(&done.stderr);
        if done.status.success() { Ok(()) } else { Err(said.trim().to_owned()) }
    }

    fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Not mounted, or already gone: nothing to undo.
        let _ = Command::new("umount").arg(&self.at).output();
    }
}

fn small_disk(test: &str, at: PathBuf, size: usize) -> Option<SmallDisk> {
    SmallDisk::mounted(at, size)
        .map_err(|why| skipped(test, &format!("a small tmpfs cannot be mounted: {why}")))
        .ok()
}

#[test]
fn an_upload_to_a_full_disk_fails_by_name_and_succeeds_when_there_is_room() {
    let home = Home::new();
    let test = "an_upload_to_a_full_disk_fails_by_name_and_succeeds_when_there_is_room";
    let Some(disk) = small_disk(test, home.data(), 12) else {
        return;
    };
    home.files().write("small.bin", bytes(1, 100_000));
    home.files().write("too-big.bin", bytes(2, 16 * MIB));

    let ended = home.run([OsStr::new("upload"), home.files().path().as_os_str()]).expect_code(1);
    ended.expect_one_line("too-big.bin", &["no space"]);
    let left = Tree::new(disk.path()).files();
    let sizes: Vec<_> = left.iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size < MIB as u64 * 2), "half an object stays: {left:?} {sizes:?}");
    assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &["too-big.bin"]);

    disk.grow(64);
    home.upload();
    fs::remove_dir_all(home.back().path()).unwrap();
    home.download_all().expect_code(0);
    let came = home.back().files();
    let big = came.iter().find(|file| file.ends_with("too-big.bin"));
    let big = big.unwrap_or_else(|| panic!("the big file came back: {came:?}"));
    assert!(fs::read(big).unwrap() == bytes(2, 16 * MIB), "the big file came back changed");
}

#[test]
fn a_download_to_a_full_disk_fails_by_name_and_leaves_no_half_file() {
    let home = Home::new();
    let test = "a_download_to_a_full_disk_fails_by_name_and_leaves_no_half_file";
    let Some(disk) = small_disk(test, home.back().path().to_owned(), 4) else {
        return;
    };
    home.files().write("small.bin", bytes(1, 100_000));
    home.files().write("too-big.bin", bytes(2, 8 * MIB));
    home.upload();

    home.download_all().expect_code(1).expect_one_line("too-big.bin", &["no space"]);
    home.back().expect_same(&home.files(), &["too-big.bin"]);

    disk.grow(32);
    home.download_all().expect_code(0);
    let came = home.back().files();
    assert!(came.iter().any(|file| file.ends_with("too-big.bin")), "{came:?}");
}

#[test]
fn a_read_only_storage_refuses_uploads_by_name_serves_downloads_and_accepts_uploads_once_writable() {
    let home = Home::new();
    let test = "a_read_only_storage";
    let Some(disk) = small_disk(test, home.path().join("attic"), 12) else {
        return;
    };
    let with_attic = |command: &[&str]| home.run(["--storage", "attic"].iter().chain(command));
    home.files().write("first.bin", bytes(1, 100_000));
    home.files().write("second.bin", bytes(2, 3 * MIB));
    with_attic(&["upload", "files/first.bin"]).expect_code(0);

    disk.mount("remount,ro").expect("a tmpfs that can be made read-only");
    let refused = with_attic(&["upload", "files/second.bin"]).expect_code(1);
    refused.expect_one_line("second.bin", &["denied", "read-only"]);
    with_attic(&["download", "--all", "--to", "back"]).expect_code(0);
    home.back().expect_same(&home.files(), &["second.bin"]);

    disk.mount("remount,rw").expect("a tmpfs that can be written again");
    with_attic(&["upload", "files/second.bin"]).expect_code(0);
    with_attic(&["download", "--all", "--to", "back"]).expect_code(0);
    home.back().expect_same(&home.files(), &[]);
    Database::of(&home).expect_sound();
    Database::of(&home).expect_done();
}

#[test]
fn a_read_only_data_folder_is_listed_even_after_a_killed_run() {
    let home = Home::new();
    let Some(disk) = small_disk("a_read_only_data_folder", home.data(), 12) else {
        return;
    };
    home.files().write("first.bin", bytes(1, 100_000));
    home.upload();
    let expect_listed = |home: &Home, files: usize| {
        disk.mount("remount,ro").expect("a tmpfs that can be made read-only");
        let listed = home.run(["ls"]).expect_code(0);
        assert_eq!(listed.lines_about(".bin").len(), files, "{}", listed.told());
        for command in ["failed", "queue", "usage"] {
            home.run([command]).expect_code(0);
        }
        disk.mount("remount,rw").expect("a tmpfs that can be written again");
    };
    expect_listed(&home, 1);

    // A killed run leaves its records in the write-ahead log beside the database.
    home.files().write("second.bin", bytes(2, 100_000));
    let files = home.files();
    let arguments = [
        "--storage-faults".as_ref(),
        OsStr::new("refuse=1000000"),
        "upload".as_ref(),
        files.path().as_os_str(),
    ];
    let killed = home.start(arguments).until_it_says("waiting:");
    drop(killed);
    expect_listed(&home, 1);
    disk.mount("remount,ro").expect("a tmpfs that can be made read-only");
    assert_eq!(home.run(["queue"]).expect_code(0).lines_about("second.bin").len(), 1);
}
