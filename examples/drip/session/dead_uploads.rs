//! The uploads that failed permanently, as the page's dead letters.

use std::sync::Arc;

use stage_core::BoxError;
use stage_panel::{DeadLetter, DeadLetters};
use uuid::Uuid;

use crate::repository::{DeadUpload, Repository, TransferId};
use crate::store::Storage;

/// The dead uploads of a session.
#[derive(Debug)]
pub(super) struct DeadUploads {
    pub(super) repository: Arc<dyn Repository>,
    pub(super) storage: Storage,
}

impl DeadUploads {
    /// Returns the dead upload with this id.
    async fn find(&self, id: &str) -> Result<Option<DeadUpload>, BoxError> {
        let Ok(id) = Uuid::parse_str(id) else { return Ok(None) };
        // The one before it need not exist.
        let before = id.as_u128().checked_sub(1).map(|id| TransferId(Uuid::from_u128(id)));
        let next = self.repository.dead_uploads_after(before, 1).await?;
        Ok(next.into_iter().find(|dead| dead.transfer.id.0 == id))
    }
}

impl DeadLetters for DeadUploads {
    async fn list(&self, after: Option<String>, limit: usize) -> Result<Vec<DeadLetter>, BoxError> {
        let after = after.map(|after| Uuid::parse_str(&after)).transpose()?;
        let dead = self.repository.dead_uploads_after(after.map(TransferId), limit).await?;
        let letter = |DeadUpload { transfer, cause }: DeadUpload| DeadLetter {
            id: transfer.id.0.to_string(),
            event: transfer.path.display().to_string(),
            error: cause,
        };
        Ok(dead.into_iter().map(letter).collect())
    }

    async fn retry(&self, id: String) -> Result<bool, BoxError> {
        match self.find(&id).await? {
            Some(dead) => Ok(self.repository.revive_upload(dead.transfer.id).await?),
            None => Ok(false),
        }
    }

    /// Forgets the upload after removing any object of it.
    async fn drop_letter(&self, id: String) -> Result<bool, BoxError> {
        let Some(DeadUpload { transfer, .. }) = self.find(&id).await? else { return Ok(false) };
        self.storage.remove(&transfer.media.storage_key).await?;
        self.repository.forget_upload(transfer.id).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::{self, Database, GivenUp, NewUpload, Scope};
    use crate::store::Location;

    #[tokio::test]
    async fn dead_uploads_are_listed_retried_and_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository::open(&Database::Sqlite(folder.path().join("drip.db"))).await.unwrap();
        let storage = Storage::open(&Location::Folder(folder.path().join("objects"))).unwrap();
        let user = repository.user("joe_armstrong@erlang.uk").await.unwrap();
        let upload = |name: &str| NewUpload {
            full_path: folder.path().join(name),
            relative_path: name.into(),
            ..NewUpload::default()
        };
        repository.add_uploads(user, vec![upload("a"), upload("b")]).await.unwrap();
        let leased = repository.lease(&Scope::Uploads, 2).await.unwrap();
        let given_up = leased.iter().map(|of| GivenUp { transfer: of.id, cause: "no".to_owned() });
        repository.give_up(given_up.collect()).await.unwrap();

        let dead = DeadUploads { repository, storage };
        let all = dead.list(None, 9).await.unwrap();
        let shown: Vec<_> = all.iter().map(|of| (of.event.ends_with('a'), of.error.as_str())).collect();
        assert_eq!(shown, [(true, "no"), (false, "no")]);
        let rest = dead.list(Some(all[0].id.clone()), 9).await.unwrap();
        assert_eq!(rest, all[1..]);
        assert!(dead.list(Some("one".to_owned()), 9).await.is_err(), "no id");

        assert!(dead.retry(all[0].id.clone()).await.unwrap());
        assert!(!dead.retry(all[0].id.clone()).await.unwrap(), "it is queued again");
        assert_eq!(dead.repository.lease(&Scope::Uploads, 9).await.unwrap(), leased[..1]);
        assert!(dead.drop_letter(all[1].id.clone()).await.unwrap());
        assert!(!dead.drop_letter(all[1].id.clone()).await.unwrap());
        assert!(!dead.retry("one".to_owned()).await.unwrap());
        assert_eq!(dead.list(None, 9).await.unwrap(), []);
    }
}
