//! Power cuts after a reported result: the test copies the block device in its current state, and mounts the
//! copy.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Home, Tree, bytes, skipped};

/// Number of files of one case.
const FILES: usize = 40;

/// A file system in a file; unmounted when dropped.
struct Image {
    file: PathBuf,
    at: PathBuf,
}

impl Image {
    /// Creates a new file system, or returns the reason for which that is impossible here.
    fn new(home: &Home, name: &str) -> Result<Self, String> {
        let file = home.path().join(format!("{name}.img"));
        fs::File::create(&file).and_then(|file| file.set_len(64 << 20)).map_err(|error| error.to_string())?;
        run(Command::new("mkfs.ext4").arg("-q").arg(&file))?;
        let image = Self::mounted(file, home.path().join(name))?;
        run(&mut Command::new("sync"))?;
        Ok(image)
    }

    fn mounted(file: PathBuf, at: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&at).map_err(|error| error.to_string())?;
        run(Command::new("mount").args(["-o", "loop"]).args([&file, &at]))?;
        Ok(Self { file, at })
    }

    /// Returns the file system in the state in which a power cut would leave it now.
    #[track_caller]
    fn after_a_power_cut(&self, home: &Home) -> Self {
        let copy = home.path().join("later.img");
        run(Command::new("cp").arg("--sparse=always").args([&self.file, &copy])).expect("a copy");
        Self::mounted(copy, home.path().join("later")).expect("a repairable file system")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Not mounted, or already gone: nothing to undo.
        let _ = Command::new("umount").arg(&self.at).output();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", said.trim())) }
}

/// Creates a home with files, and a file system for the power cut, where that is possible.
fn case(test: &str) -> Option<(Home, Image)> {
    let home = Home::new();
    for number in 0..FILES {
        home.files().write(format!("{number:02}.bin"), bytes(number as u64, 30_000 * (number % 3) + 5_000));
    }
    match Image::new(&home, "live") {
        Ok(image) => Some((home, image)),
        Err(why) => {
            skipped(test, &format!("it needs root, mkfs.ext4 and loop devices: {why}"));
            None
        }
    }
}

fn download(home: &Home, data: &Path, to: &Path) {
    let arguments = [OsStr::new("--data"), data.as_os_str(), "download".as_ref(), "--all".as_ref()];
    let mut command = Command::new(crate::support::program());
    command.args(arguments).arg("--to").arg(to).current_dir(home.path());
    crate::support::Started::new(&mut command).wait().expect_code(0);
}

#[test]
fn reported_uploads_survive_a_power_cut() {
    let test = "reported_uploads_survive_a_power_cut";
    let Some((home, live)) = case(test) else { return };
    let data = live.at.join("data");
    let mut command = Command::new(crate::support::program());
    command.arg("--data").arg(&data).arg("upload").arg(home.files().path());
    crate::support::Started::new(&mut command).wait().expect_code(0);
    let later = live.after_a_power_cut(&home);
    download(&home, &later.at.join("data"), home.back().path());
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn reported_downloads_survive_a_power_cut() {
    let test = "reported_downloads_survive_a_power_cut";
    let Some((home, live)) = case(test) else { return };
    home.upload();
    download(&home, &home.data(), &live.at.join("back"));
    let later = live.after_a_power_cut(&home);
    Tree::new(later.at.join("back")).expect_same(&home.files(), &[]);
}
