//! Input of the files workload: random bytes on a disk, the expected results, and the folder for the objects.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use benches::random::SplitMix;
use drip::{
    durable::sync_files,
    repository::MediaId,
    seal::{
        CHUNK, FRAME_EXTRA, HEADER_LEN, Header, MasterKey, Opener, TRAILER_LEN, Trailer, record_len,
        sealed_len,
    },
    store::{Location, Storage},
};
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

/// One of this many objects is opened after a round.
const OPENED: usize = 40;

/// A file, and its expected result.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) media: MediaId,
    pub(super) path: PathBuf,
    pub(super) trailer: Trailer,
}

/// Files, a key, and a folder for objects. Dropping the value removes the folders.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) inputs: Vec<Input>,
    pub(super) master: MasterKey,
    objects: TempDir,
    _files: TempDir,
}

/// The result that a contender reports for a stored file.
pub(super) type Done = (MediaId, Trailer);

/// An error that can be sent between threads.
pub(super) type Broken = Box<dyn Error + Send + Sync>;

/// A file was stored incorrectly.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{found} files were reported as stored, expected {expected}")]
    Count { found: usize, expected: usize },
    #[error("{media} was reported with {found:?}, expected {expected:?}")]
    Trailer { media: MediaId, found: Trailer, expected: Trailer },
    #[error("the object of {media} has {found} bytes, not {expected}")]
    Size { media: MediaId, found: u64, expected: u64 },
    #[error("the object of {media} holds other bytes than the file")]
    Content { media: MediaId },
}

impl Fixture {
    /// Writes `files` files of `size` bytes, with objects in a folder in `place`.
    pub(super) fn write(files: usize, size: usize, place: &Path) -> Result<Self, Broken> {
        let folder = tempfile::tempdir_in(on_disk())?;
        let mut random = SplitMix::seeded(99);
        let mut content = vec![0; size];
        let mut input = |number: usize| -> Result<Input, Broken> {
            for bytes in content.chunks_mut(8) {
                bytes.copy_from_slice(&random.next().to_le_bytes()[..bytes.len()]);
            }
            let path = folder.path().join(format!("{number}.bin"));
            write_to_disk(&path, &content)?;
            let (chunks, checksum) = (size.div_ceil(CHUNK) as u64, *blake3::hash(&content).as_bytes());
            let trailer = Trailer { chunks, size: size as u64, checksum };
            Ok(Input { media: MediaId::new(), path, trailer })
        };
        let inputs = (0..files).map(&mut input).collect::<Result<_, _>>()?;
        let objects = tempfile::tempdir_in(place)?;
        Ok(Self { inputs, master: MasterKey::random()?, objects, _files: folder })
    }

    /// Opens the storage as drip does.
    pub(super) fn storage(&self) -> Result<Storage, Broken> {
        Ok(Storage::open(&Location::Folder(self.objects.path().to_owned()))?)
    }

    /// Opens the same folder for contenders without drip.
    pub(super) fn store(&self) -> Result<LocalFileSystem, Broken> {
        Ok(LocalFileSystem::new_with_prefix(self.objects.path())?)
    }

    /// Makes the objects survive a power cut, as drip does before it records an upload: by one call for all, which
    /// is the cheapest way.
    pub(super) fn sync(&self, done: Vec<Done>) -> Result<Vec<Done>, Broken> {
        let top = self.objects.path();
        let objects = done.iter().map(|(media, _)| top.join(media.storage_key())).collect::<Vec<_>>();
        sync_files(&objects, top)?;
        Ok(done)
    }

    /// Checks that all files are stored correctly.
    pub(super) fn check(&self, mut done: Vec<Done>) -> Result<(), Broken> {
        done.sort_unstable_by_key(|(media, _)| *media);
        done.dedup_by_key(|(media, _)| *media);
        if done.len() != self.inputs.len() {
            return Err(Wrong::Count { found: done.len(), expected: self.inputs.len() }.into());
        }
        // Later ids sort later.
        for (number, (input, (media, found))) in self.inputs.iter().zip(done).enumerate() {
            let expected = input.trailer;
            if (input.media, expected) != (media, found) {
                return Err(Wrong::Trailer { media, found, expected }.into());
            }
            let path = self.objects.path().join(media.storage_key());
            let expected = sealed_len(expected.size) + record_len(record_at_end(&path)?) as u64;
            let found = fs::metadata(&path)?.len();
            if found != expected {
                return Err(Wrong::Size { media, found, expected }.into());
            }
            if number % OPENED == 0 {
                self.open(input, &path)?;
            }
        }
        Ok(())
    }

    /// Removes the objects of a round: an upload writes new ones, and replacing an object would include its
    /// removal.
    pub(super) fn clear(&self) -> Result<(), Broken> {
        for entry in fs::read_dir(self.objects.path())? {
            fs::remove_dir_all(entry?.path())?;
        }
        Ok(())
    }

    fn open(&self, input: &Input, object: &Path) -> Result<(), Broken> {
        let mut sealed = fs::read(object)?;
        let without_end = usize::try_from(sealed_len(input.trailer.size)).unwrap_or(usize::MAX) - TRAILER_LEN;
        let mut end = sealed.split_off(without_end.min(sealed.len()));
        let frames = sealed.split_off(HEADER_LEN);
        let header = Header::read(&self.master, input.media.0, &sealed)?;
        let mut opener = Opener::new(header, input.trailer.size);
        let mut hasher = blake3::Hasher::new();
        for frame in frames.chunks(CHUNK + FRAME_EXTRA) {
            let mut frame = frame.to_vec();
            opener.open(&mut frame)?;
            hasher.update(&frame);
        }
        let (trailer, _) = opener.finish(&mut end)?;
        let content = (trailer, hasher.finalize());
        if content == (input.trailer, input.trailer.checksum.into()) {
            return Ok(());
        }
        Err(Wrong::Content { media: input.media }.into())
    }
}

/// The length of the record that an object ends with, which its last four bytes state.
fn record_at_end(object: &Path) -> io::Result<usize> {
    let mut file = File::open(object)?;
    file.seek(SeekFrom::End(-4))?;
    let mut len = [0; 4];
    file.read_exact(&mut len)?;
    Ok(u32::from_be_bytes(len) as usize)
}

/// Writes a file and waits for the disk, so that no pending write overlaps a measurement.
fn write_to_disk(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Returns a folder on a disk: that for long-lived temporary files; the folder for short-lived ones may be in
/// memory.
pub(super) fn on_disk() -> PathBuf {
    let kept = PathBuf::from("/var/tmp");
    if kept.is_dir() { kept } else { std::env::temp_dir() }
}

/// Returns a folder in memory, if there is one.
pub(super) fn in_memory() -> Option<PathBuf> {
    Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir())
}
