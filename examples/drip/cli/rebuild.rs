//! The command `drip rebuild`: restores a lost database from the records in the stored objects.

use futures_util::stream::{self, StreamExt};
use stage_core::BoxError;

use super::entry::Success;
use super::interrupt::interrupted;
use super::output::Output;
use crate::record::Record;
use crate::report::{Failed, Summary, count};
use crate::repository::{Media, MediaId, UserId};
use crate::seal::{
    CHUNK, FRAME_EXTRA, HEADER_LEN, Header, MasterKey, Opener, RECORD_MAX, SealError, TRAILER_LEN,
};
use crate::session::{Places, Session};
use crate::store::Storage;
use crate::transfer::Failure;

/// Objects read concurrently.
const AT_ONCE: usize = 16;

/// Media written per transaction.
const TOGETHER: usize = 500;

/// Owner of files without a record: objects of the first version.
const UNKNOWN_OWNER: &str = "unknown@localhost";

pub(super) async fn run(places: &Places, output: Output) -> Result<Success, BoxError> {
    let begun = std::time::Instant::now();
    let session = Session::open_to_rebuild(places).await?;
    let master = session.rebuilding_key().await?;
    let summary = tokio::select! {
        summary = rebuild(&session, &master) => summary?,
        () = interrupted() => Summary { interrupted: true, ..Summary::default() },
    };
    let summary = Summary { command: "rebuild", seconds: begun.elapsed().as_secs_f64(), ..summary };
    let files = if summary.files == 1 { "file" } else { "files" };
    let words = format!(
        "restored {} {files} to the database, {} failed",
        count(summary.files),
        count(summary.failed)
    );
    output.result(&words, &summary)?;
    Ok(Success::of(&summary))
}

async fn rebuild(session: &Session, master: &MasterKey) -> Result<Summary, BoxError> {
    let objects = session.storage.list().await?;
    let read = stream::iter(objects).map(|(key, size)| async move {
        let media = read_medium(&session.storage, master, &key, size).await;
        media.map_err(|failure| Failed::new(key.as_ref(), &failure.to_string()))
    });
    let mut read = read.buffer_unordered(AT_ONCE).chunks(TOGETHER);
    let mut summary = Summary::default();
    while let Some(read) = read.next().await {
        let (media, failures): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        for failed in failures.into_iter().filter_map(Result::err) {
            crate::report::tell(&format!("failed: {}: {}", failed.name, failed.cause));
            summary.failures.push(failed);
        }
        let media: Vec<Media> = media.into_iter().filter_map(Result::ok).collect();
        summary.bytes += media.iter().map(|media| media.size).sum::<u64>();
        summary.files += session.repository.restore_media(media).await?;
    }
    summary.failed = summary.failures.len() as u64;
    Ok(summary)
}

/// Reads the medium that an object describes: its header and its end are read and authenticated.
async fn read_medium(storage: &Storage, master: &MasterKey, key: &str, size: u64) -> Result<Media, Failure> {
    let name = key.rsplit('/').next().unwrap_or_default();
    let id: MediaId = name.parse().map_err(|_| Failure::permanent("it is not an object written by drip"))?;
    let (header_len, trailer_len) = (HEADER_LEN as u64, TRAILER_LEN as u64);
    if size < header_len + trailer_len {
        return Err(SealError::Truncated {
            what: "it".into(),
            found: size,
            expected: header_len + trailer_len,
        }
        .into());
    }
    let header = storage.read_range(key, 0..header_len).await?;
    let header = Header::read(master, id.0, &header)?;
    // The last four bytes of a record hold its length. It follows frames and trailer.
    let record = if header.has_record() {
        let len = storage.read_range(key, size - 4..size).await?;
        let len = len.first_chunk().copied().map_or(0, u32::from_be_bytes);
        u64::from(len) + 16 + 4
    } else {
        0
    };
    let Some(frames) =
        size.checked_sub(header_len + trailer_len + record).filter(|_| record <= RECORD_MAX as u64)
    else {
        return Err(SealError::Record.into());
    };
    let chunks = frames.div_ceil((CHUNK + FRAME_EXTRA) as u64);
    let clear = frames.saturating_sub(chunks * FRAME_EXTRA as u64);
    let mut end = storage.read_range(key, header_len + frames..size).await?.to_vec();
    let (trailer, record) = Opener::new(header, clear).skip_to_end(&mut end)?;
    let record = match record {
        Some(record) => Record::from_bytes(&record).ok_or(SealError::Record)?,
        None => without_record(id),
    };
    Ok(Media {
        id,
        user: UserId(0),
        email: record.email,
        relative_path: record.relative_path,
        full_path: record.full_path,
        root: record.root,
        size: trailer.size,
        attributes: record.attributes,
        storage_key: key.to_owned(),
        object_size: Some(size),
        checksum: Some(trailer.checksum),
        created_at: record.created_at,
        updated_at: record.created_at,
    })
}

/// The record for an object of the first version, which holds only its id.
fn without_record(id: MediaId) -> Record {
    let path = std::path::PathBuf::from(format!("recovered/{id}"));
    Record {
        email: UNKNOWN_OWNER.to_owned(),
        relative_path: path.clone(),
        full_path: path,
        ..Record::default()
    }
}
