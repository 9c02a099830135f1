//! A tree as on a real system (links, hard links, devices, odd names): the second upload stores nothing, and
//! the restored tree is equal in content, mode, time of modification and links.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File, Permissions},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use crate::support::{CHUNK, Home, bytes};

/// The compared properties of a file or a link.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    File { content: Vec<u8>, mode: u32, modified: (i64, i64), links: u64 },
    Link { target: PathBuf },
}

/// Returns all files and links below a folder.
fn entries(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("metadata");
            let below = path.strip_prefix(root).expect("a path below").to_owned();
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_symlink() {
                entries.insert(below, Entry::Link { target: fs::read_link(&path).expect("a link") });
            } else if metadata.is_file() {
                let entry = Entry::File {
                    content: fs::read(&path).expect("a file"),
                    mode: metadata.mode() & 0o777,
                    modified: (metadata.mtime(), metadata.mtime_nsec()),
                    links: metadata.nlink(),
                };
                entries.insert(below, entry);
            }
        }
    }
    entries
}

/// Creates the tree, and returns the number of files and links in it.
fn make_tree(home: &Home) -> u64 {
    let files = home.files();
    let odd: [&[u8]; 8] = [
        b"new\nline",
        b"caf\xe9",
        b"\x1b[31m",
        b"-rf",
        b" ",
        b"a\\b",
        "\u{202e}gpj.exe".as_bytes(),
        &[b'x'; 255],
    ];
    for (number, name) in odd.iter().enumerate() {
        files.write(Path::new("odd").join(OsStr::from_bytes(name)), bytes(number as u64, 100 + number));
    }
    for (number, size) in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK].into_iter().enumerate() {
        let path = files.write(format!("sizes/{size}"), bytes(number as u64, size));
        let time = UNIX_EPOCH + Duration::new(1_000_000_000 + number as u64, 123_456_789);
        File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("a time");
        fs::set_permissions(&path, Permissions::from_mode([0o644, 0o755, 0o600][number % 3]))
            .expect("a mode");
    }
    fs::hard_link(files.path().join("sizes/1"), files.path().join("sizes/one")).expect("a hard link");
    for (target, link) in
        [("sizes/1", "link"), ("..", "odd/up"), ("no/where", "broken"), ("itself", "itself")]
    {
        symlink(target, files.path().join(link)).expect("a link");
    }
    let made = Command::new("mkfifo").arg(files.path().join("fifo")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    drop(UnixListener::bind(files.path().join("socket")).expect("a socket"));
    (odd.len() + 6 + 1 + 4) as u64
}

#[test]
fn the_second_upload_of_a_system_tree_stores_nothing_and_the_tree_comes_back_equal() {
    let home = Home::new();
    let all = make_tree(&home);
    let files = home.files();
    let upload = [OsStr::new("--json"), "upload".as_ref(), files.path().as_os_str()];
    // An entry that is neither a file nor a link is reported, but is no failure; a broken link is a link.
    let first = home.run(upload).expect_code(0);
    first.expect_one_line("fifo", &["skipped", "not a regular file"]);
    first.expect_one_line("socket", &["skipped", "not a regular file"]);
    assert_eq!(first.json()["files"], all, "{}", first.told());
    let second = home.run(upload).expect_code(0).json();
    assert_eq!((&second["files"], &second["unchanged"]), (&0.into(), &all.into()), "{second:#}");

    home.download_all().expect_code(0);
    let (before, after) = (entries(files.path()), entries(home.back().path()));
    assert_eq!(before.len() as u64, all);
    for (path, entry) in &before {
        assert!(after.get(path) == Some(entry), "{} came back different", path.display());
    }
    assert_eq!(after.len(), before.len());
}
