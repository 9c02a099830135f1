//! Small values by name: a bucket.

use stage_connect::ConnectError;
use stage_edge::{Note, NoteError, Notes};

use super::bucket::{Bucket, Entry, WrongRevision};

/// The maximum size of a value.
const MOST_BYTES: usize = 64 * 1024;

/// Notes as values of a bucket. A removed note leaves a marker at the server.
#[derive(Debug)]
pub struct NatsNotes {
    bucket: Bucket,
}

impl NatsNotes {
    pub(super) const fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    fn check(&self, name: &str, value: &[u8]) -> Result<(), ConnectError> {
        let allowed = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
        if name.split('.').any(str::is_empty) || !name.chars().all(allowed) {
            let remedy = "use letters, digits, `-`, `_`, and single `.` between them";
            return Err(ConnectError::fatal(self.bucket.describe(), format!("{name:?} is no name"), remedy));
        }
        if value.len() > MOST_BYTES {
            let wrong = format!("the value of `{name}` has {} bytes", value.len());
            return Err(ConnectError::fatal(self.bucket.describe(), wrong, "store at most 64 KiB"));
        }
        Ok(())
    }
}

impl Notes for NatsNotes {
    async fn get(&self, name: &str) -> Result<Option<Note>, ConnectError> {
        self.check(name, &[])?;
        let entry = self.bucket.get(name).await?;
        Ok(entry.and_then(|Entry { revision, value }| Some(Note { value: value?.to_vec(), revision })))
    }

    async fn put(&self, name: &str, value: &[u8], expected: Option<u64>) -> Result<u64, NoteError> {
        self.check(name, value)?;
        let value = value.to_vec();
        let stored = match expected {
            None => self.bucket.create(name, value).await?,
            Some(expected) => self.bucket.put(name, value, Some(expected)).await?,
        };
        stored.map_err(|WrongRevision| NoteError::Conflict)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), NoteError> {
        self.check(name, &[])?;
        match self.bucket.delete(name, Some(expected)).await? {
            Ok(()) => Ok(()),
            Err(WrongRevision) => match self.bucket.get(name).await? {
                Some(Entry { value: Some(_), .. }) => Err(NoteError::Conflict),
                Some(Entry { value: None, .. }) | None => Ok(()),
            },
        }
    }
}
