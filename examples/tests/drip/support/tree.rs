//! Folders of test files, and their comparison with other folders.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// A folder of files.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    path: PathBuf,
}

/// Returns `length` bytes that do not repeat within a chunk and differ by `seed` (splitmix64).
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)).to_le_bytes()
    });
    words.flatten().take(length).collect()
}

impl Tree {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Returns every file below, sorted; links are not followed.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries {
                let entry = entry.expect("an entry of a folder");
                let kind = entry.file_type().expect("a kind of entry");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    files.push(entry.path());
                }
            }
        }
        files.sort();
        files
    }

    /// Requires that this tree holds exactly the files of `original`, except the `missing` ones, with the
    /// same content and the same path suffixes.
    #[track_caller]
    pub(crate) fn expect_same(&self, original: &Self, missing: &[&str]) {
        let mut came: BTreeSet<_> = self.files().into_iter().collect();
        for file in original.files() {
            let name = file.strip_prefix(&original.path).expect("a file of the tree");
            let found = came.iter().find(|path| path.ends_with(name)).cloned();
            if missing.iter().any(|missing| name.ends_with(missing)) {
                assert_eq!(found, None, "{} should not be there", name.display());
                continue;
            }
            let found = found.unwrap_or_else(|| panic!("{} did not come back: {came:?}", name.display()));
            came.remove(&found);
            assert!(same_content(&found, &file), "{} came back changed", name.display());
        }
        assert!(came.is_empty(), "never uploaded: {came:?}");
    }
}

/// Returns whether two files hold the same bytes; they may be larger than memory.
fn same_content(one: &Path, other: &Path) -> bool {
    let open = |path| BufReader::with_capacity(1 << 20, File::open(path).expect("a file to compare"));
    let (mut one, mut other) = (open(one), open(other));
    loop {
        let left = one.fill_buf().expect("a readable file");
        let right = other.fill_buf().expect("a readable file");
        let both = left.len().min(right.len());
        if both == 0 {
            return left.is_empty() && right.is_empty();
        }
        if left[..both] != right[..both] {
            return false;
        }
        one.consume(both);
        other.consume(both);
    }
}
