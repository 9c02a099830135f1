//! The environment of one drip: a temporary folder with its data, its sources and its downloads.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Ended, Object, Started, Tree, program};

/// A folder for one test: `data`, `files`, `back`.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("drip-test-").tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns drip's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Returns a tree of files to upload.
    pub(crate) fn files(&self) -> Tree {
        Tree::new(self.path().join("files"))
    }

    /// Returns the target folder of downloads.
    pub(crate) fn back(&self) -> Tree {
        Tree::new(self.path().join("back"))
    }

    /// Creates a command of drip on this home's data folder.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(program());
        command.arg("--data").arg(self.data()).args(arguments).current_dir(self.path());
        command
    }

    pub(crate) fn start(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Started {
        Started::new(&mut self.command(arguments))
    }

    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        self.start(arguments).wait()
    }

    /// Uploads the tree of files, which must succeed.
    #[track_caller]
    pub(crate) fn upload(&self) -> Ended {
        self.run([OsStr::new("upload"), self.files().path().as_os_str()]).expect_code(0)
    }

    /// Downloads everything into [`back`](Self::back).
    pub(crate) fn download_all(&self) -> Ended {
        let back = self.back();
        self.run([OsStr::new("download"), "--all".as_ref(), "--to".as_ref(), back.path().as_os_str()])
    }

    /// Returns the stored objects.
    pub(crate) fn objects(&self) -> Tree {
        Tree::new(self.data().join("objects"))
    }

    /// Returns the stored object of the file of `size` bytes, which must be the only one of that size.
    #[track_caller]
    pub(crate) fn object_of(&self, size: usize) -> Object {
        Object::find(&self.objects(), size)
    }

    /// Returns the objects whose storage was begun but not finished.
    pub(crate) fn unfinished_objects(&self) -> Vec<PathBuf> {
        let mut files = Tree::new(self.data()).files();
        files.retain(|file| file.file_name().is_some_and(|name| name.as_encoded_bytes().contains(&b'#')));
        files
    }

    /// Returns the master key: the one file of 32 bytes in the data folder.
    #[track_caller]
    pub(crate) fn key(&self) -> PathBuf {
        let files = Tree::new(self.data()).files();
        let length = |file: &PathBuf| fs::metadata(file).expect("a file of the data folder").len();
        let keys: Vec<_> = files.into_iter().filter(|file| length(file) == 32).collect();
        let [key] = &keys[..] else {
            panic!("one file of 32 bytes in the data folder: {keys:?}");
        };
        key.clone()
    }
}
