//! Which files? Random bytes on a disk, what is known of them, and the folder for their objects.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use drip::{
    repository::MediaId,
    seal::{CHUNK, FRAME_EXTRA, HEADER_LEN, Header, MasterKey, Opener, TRAILER_LEN, Trailer, sealed_len},
    store::{Location, Storage},
};
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

use crate::random::SplitMix;

/// Of so many objects, one is opened after a round.
const OPENED: usize = 40;

/// A file, and what must become of it.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) media: MediaId,
    pub(super) path: PathBuf,
    pub(super) trailer: Trailer,
}

/// Files, a key, and a folder for objects; the folders are removed with it.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) inputs: Vec<Input>,
    pub(super) master: MasterKey,
    objects: TempDir,
    _files: TempDir,
}

/// What a contender says of a file that is stored.
pub(super) type Done = (MediaId, Trailer);

/// Errors that can go from thread to thread.
pub(super) type Broken = Box<dyn Error + Send + Sync>;

/// A file was stored otherwise than it should be.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{found} files were said to be stored, not {expected}")]
    Count { found: usize, expected: usize },
    #[error("{media} was said to have {found:?}, not {expected:?}")]
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

    /// The storage, as drip opens it.
    pub(super) fn storage(&self) -> Result<Storage, Broken> {
        Ok(Storage::open(&Location::Folder(self.objects.path().to_owned()))?)
    }

    /// The same folder for those who have no drip.
    pub(super) fn store(&self) -> Result<LocalFileSystem, Broken> {
        Ok(LocalFileSystem::new_with_prefix(self.objects.path())?)
    }

    /// Whether all is stored as it should be.
    pub(super) fn check(&self, mut done: Vec<Done>) -> Result<(), Broken> {
        done.sort_unstable_by_key(|(media, _)| *media);
        done.dedup_by_key(|(media, _)| *media);
        if done.len() != self.inputs.len() {
            return Err(Wrong::Count { found: done.len(), expected: self.inputs.len() }.into());
        }
        // Ids that were made later sort later.
        for (number, (input, (media, found))) in self.inputs.iter().zip(done).enumerate() {
            let expected = input.trailer;
            if (input.media, expected) != (media, found) {
                return Err(Wrong::Trailer { media, found, expected }.into());
            }
            let path = self.objects.path().join(media.storage_key());
            let (found, expected) = (fs::metadata(&path)?.len(), sealed_len(expected.size));
            if found != expected {
                return Err(Wrong::Size { media, found, expected }.into());
            }
            if number % OPENED == 0 {
                self.open(input, &path)?;
            }
        }
        Ok(())
    }

    /// Removes the objects of a round: an upload writes new ones, and to replace one is to remove one.
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

/// Writes a file and waits for the disk: what is still to be written would be written while somebody is measured.
fn write_to_disk(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Where files are to be kept for long, so on a disk; the folder for temporary ones may be in memory.
pub(super) fn on_disk() -> PathBuf {
    let kept = PathBuf::from("/var/tmp");
    if kept.is_dir() { kept } else { std::env::temp_dir() }
}

/// A folder in memory, where there is one.
pub(super) fn in_memory() -> Option<PathBuf> {
    Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir())
}
