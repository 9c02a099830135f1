//! The files of the demonstration, and its temporary folder.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Size of the generated file in bytes.
const GENERATED: usize = 256 << 20;

/// Files to upload and a folder for everything else, removed on drop.
#[derive(Debug)]
pub(super) struct Fixture {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

impl Fixture {
    /// Selects the files in `given`, or else those of the checkout around the current folder and a large
    /// generated one.
    pub(super) fn prepare(given: Option<&Path>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("drip-demo-").tempdir()?;
        let paths = if let Some(given) = given {
            vec![given.to_owned()]
        } else {
            let generated = folder.path().join("generated-256-MiB.bin");
            generate(&generated)?;
            vec![checkout(&std::env::current_dir()?), generated]
        };
        Ok(Self { folder, paths })
    }

    /// The paths to upload.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder for downloads.
    pub(super) fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }
}

/// Returns the nearest parent folder under version control, or else this one.
fn checkout(current: &Path) -> PathBuf {
    let root = current.ancestors().find(|folder| folder.join(".git").exists());
    root.unwrap_or(current).to_owned()
}

/// Writes incompressible bytes, identical in every run: BLAKE3's extended output.
fn generate(path: &Path) -> io::Result<()> {
    let mut bytes = blake3::Hasher::new_derive_key("drip demo file").finalize_xof();
    let mut file = File::create(path)?;
    let mut block = vec![0; 1 << 20];
    for _ in 0..GENERATED / block.len() {
        bytes.fill(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}
