//! What the demonstration works on, and the temporary folder it leaves nothing in.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Bytes of the generated file.
const GENERATED: usize = 256 << 20;

/// Files to upload and a place for everything else; gone when dropped.
#[derive(Debug)]
pub(super) struct Fixture {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

impl Fixture {
    /// The files in `given`; without it those of the checkout around the current folder, and a large generated one.
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

    /// What to upload.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// A data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where downloads go.
    pub(super) fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }
}

/// The nearest folder above that is under version control, else this one.
fn checkout(current: &Path) -> PathBuf {
    let root = current.ancestors().find(|folder| folder.join(".git").exists());
    root.unwrap_or(current).to_owned()
}

/// Writes bytes that no compression makes smaller, the same every time: BLAKE3's extended output.
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
