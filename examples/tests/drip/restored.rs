//! Restored files, which have their attributes as well as their content; files of others are neither touched
//! nor shown.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use crate::support::{Home, bytes};

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").mode() & 0o7777
}

#[test]
fn permissions_times_links_and_holes_come_back() {
    let home = Home::new();
    let files = home.files();
    for (name, mode) in [("sub/secret", 0o600), ("program", 0o755), ("closed", 0o400)] {
        let path = files.write(name, name);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::new(1_000_000_000 + u64::from(mode), 123_456_789)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(files.path().join("sub"), Permissions::from_mode(0o700)).unwrap();
    for (target, link) in [("sub/secret", "link"), ("no/where", "broken"), ("..", "sub/up")] {
        symlink(target, files.path().join(link)).unwrap();
    }
    fs::hard_link(files.path().join("program"), files.path().join("sub/program")).unwrap();
    File::create(files.path().join("sparse")).and_then(|file| file.set_len(8 << 20)).unwrap();

    home.upload();
    home.download_all().expect_code(0);
    let (here, there) = (home.files(), home.back());
    let (here, there) = (here.path(), there.path());
    for name in ["sub/secret", "program", "closed", "sparse"] {
        let (before, after) = (here.join(name).metadata().unwrap(), there.join(name).metadata().unwrap());
        assert_eq!(mode(&there.join(name)), mode(&here.join(name)), "{name}");
        let time = |metadata: &fs::Metadata| (metadata.mtime(), metadata.mtime_nsec());
        assert_eq!((time(&after), after.len()), (time(&before), before.len()), "{name}");
    }
    assert_eq!(mode(&there.join("sub")), 0o700);
    for link in ["link", "broken", "sub/up"] {
        assert_eq!(fs::read_link(there.join(link)).unwrap(), fs::read_link(here.join(link)).unwrap());
    }
    let inode = |name: &str| there.join(name).metadata().unwrap().ino();
    assert_eq!(inode("program"), inode("sub/program"));
    assert!(there.join("sparse").metadata().unwrap().blocks() < 1000, "its hole is one");
}

#[test]
fn a_link_out_of_the_tree_reveals_nothing_followed_or_not() {
    for follow in [false, true] {
        let home = Home::new();
        fs::write(home.path().join("shadow"), "secret").unwrap();
        home.files().write("inside/a.txt", "a");
        symlink("../shadow", home.files().path().join("notes.txt")).unwrap();
        symlink("..", home.files().path().join("inside/up")).unwrap();
        symlink("inside", home.files().path().join("again")).unwrap();
        let files = home.files();
        let mut arguments = vec![OsStr::new("upload"), files.path().as_os_str()];
        arguments.extend(follow.then_some(OsStr::new("--follow")));
        let ended = home.run(arguments).expect_code(0);
        home.download_all().expect_code(0);
        let back = home.back().path().to_owned();
        assert_eq!(
            fs::read_link(back.join("notes.txt")).unwrap(),
            Path::new("../shadow"),
            "{}",
            ended.told()
        );
        assert_eq!(back.join("again").symlink_metadata().unwrap().is_dir(), follow);
        assert_eq!(home.back().files().len(), 1 + usize::from(follow), "{:?}", home.back().files());
    }
}

#[test]
fn a_link_planted_in_the_target_is_not_followed() {
    let home = Home::new();
    home.files().write("sub/a.txt", "a");
    home.files().write("b.txt", "b");
    home.upload();
    let evil = home.path().join("evil");
    fs::create_dir(&evil).unwrap();
    fs::create_dir(home.back().path()).unwrap();
    symlink("../evil", home.back().path().join("sub")).unwrap();
    let ended = home.download_all().expect_code(1);
    ended.expect_one_line("a.txt", &["sub is a symbolic link", "not followed"]);
    assert_eq!(fs::read_dir(&evil).unwrap().count(), 0);
    assert_eq!(fs::read(home.back().path().join("b.txt")).unwrap(), b"b");
}

#[test]
fn two_folders_keep_their_names_and_one_does_not() {
    let home = Home::new();
    home.files().write("one/main.rs", "one");
    home.files().write("two/main.rs", "two");
    home.files().write("two/main.txt", "text");
    home.run(["upload", "files/one", "files/two"]).expect_code(0);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
    assert_eq!(fs::read(home.back().path().join("two/main.rs")).unwrap(), b"two");

    let home = Home::new();
    home.files().write("main.rs", "one");
    home.upload();
    home.download_all().expect_code(0);
    assert_eq!(fs::read(home.back().path().join("main.rs")).unwrap(), b"one");
}

#[test]
fn names_of_255_bytes_come_back_even_if_many_are_equal() {
    let home = Home::new();
    let name = "x".repeat(255);
    for folder in ["one", "two"] {
        let path = home.files().write(Path::new(folder).join(&name), folder);
        home.run([OsStr::new("upload"), path.as_os_str()]).expect_code(0);
    }
    home.download_all().expect_code(0);
    assert_eq!(home.back().files().len(), 2, "{:?}", home.back().files());
}

#[test]
fn the_data_folder_and_the_database_are_for_their_owner_only() {
    let home = Home::new();
    home.files().write("a.bin", bytes(1, 10));
    let ended = home.upload();
    ended.expect_one_line("master.key", &["keep a copy"]);
    assert_eq!(mode(&home.data()), 0o700);
    let database = home.data().join("drip.db");
    assert_eq!(mode(&database), 0o600);
    fs::set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
    home.upload();
    assert_eq!(mode(&database), 0o600, "drip before made it readable");
}

#[test]
fn a_key_that_others_can_read_is_refused_by_name() {
    let home = Home::new();
    home.files().write("a.bin", bytes(1, 10));
    home.upload();
    fs::set_permissions(home.key(), Permissions::from_mode(0o644)).unwrap();
    home.download_all().expect_code(1).expect_one_line("master.key", &["0644", "chmod 600"]);
    assert!(home.back().files().is_empty());
}
