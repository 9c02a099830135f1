//! Selects the master key that a command may use: the one that sealed the files here.

use std::path::Path;

use super::SessionError;
use crate::repository::{Repository, RepositoryError};
use crate::seal::{KeyFileError, MasterKey, create_key_file, read_key_file};

/// Name of the setting that stores the id of the sealing key.
const SETTING: &str = "master_key";

/// Returns the sealing key. Creates it if nothing was ever sealed here; rejects a key other than the one used
/// so far.
pub(super) async fn for_sealing(path: &Path, repository: &dyn Repository) -> Result<MasterKey, SessionError> {
    let in_use = has_media(repository).await?;
    let key = match read_key_file(path) {
        Err(KeyFileError::Missing(path)) if in_use => return Err(SessionError::KeyLost(path)),
        Err(KeyFileError::Missing(path)) => create_key_file(&path)?,
        read => read?,
    };
    let found = key.id().to_string();
    match repository.setting(SETTING).await? {
        Some(expected) if expected == found => {}
        Some(expected) if in_use => {
            return Err(SessionError::OtherKey { path: path.to_owned(), found: key.id(), expected });
        }
        _ => repository.set_setting(SETTING, found).await?,
    }
    Ok(key)
}

/// Returns the opening key. A key other than the one used before is no error here: each file that it cannot
/// open is reported on its own.
pub(super) async fn for_opening(path: &Path, repository: &dyn Repository) -> Result<MasterKey, SessionError> {
    match read_key_file(path) {
        Err(KeyFileError::Missing(path)) if has_media(repository).await? => Err(SessionError::KeyLost(path)),
        read => Ok(read?),
    }
}

/// Returns the key for rebuilding the database. From then on it is the folder's key.
pub(super) async fn for_rebuilding(
    path: &Path,
    repository: &dyn Repository,
) -> Result<MasterKey, SessionError> {
    let key = match read_key_file(path) {
        Err(KeyFileError::Missing(path)) => return Err(SessionError::KeyLost(path)),
        read => read?,
    };
    if repository.setting(SETTING).await?.is_none() {
        repository.set_setting(SETTING, key.id().to_string()).await?;
    }
    Ok(key)
}

async fn has_media(repository: &dyn Repository) -> Result<bool, RepositoryError> {
    Ok(!repository.media_after(None, 1).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::sqlite::Sqlite;
    use crate::repository::{NewUpload, Scope, Stored};

    async fn with_a_medium() -> Sqlite {
        let repository = Sqlite::in_memory();
        let user = repository.user("a@b.c").await.unwrap();
        let upload = NewUpload { full_path: "/a".into(), relative_path: "a".into(), ..NewUpload::default() };
        repository.add_uploads(user, vec![upload]).await.unwrap();
        let transfer = repository.lease(&Scope::Uploads, 1).await.unwrap().remove(0);
        let stored = Stored {
            transfer: transfer.id,
            media: transfer.media.id,
            size: 0,
            checksum: [0; 32],
            attributes: transfer.media.attributes,
            object_size: 0,
        };
        repository.finish_uploads(vec![stored]).await.unwrap();
        repository
    }

    #[tokio::test]
    async fn the_first_upload_makes_a_key_and_the_next_one_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let repository = Sqlite::in_memory();
        let first = for_sealing(&path, &repository).await.unwrap();
        let second = for_sealing(&path, &repository).await.unwrap();
        assert_eq!(first.id(), second.id());
    }

    #[tokio::test]
    async fn a_lost_key_is_never_replaced_while_files_need_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let repository = with_a_medium().await;
        assert!(matches!(for_sealing(&path, &repository).await, Err(SessionError::KeyLost(_))));
        assert!(matches!(for_opening(&path, &repository).await, Err(SessionError::KeyLost(_))));
        assert!(!path.exists());
    }

    fn write_key(path: &Path, key: [u8; 32]) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, key).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[tokio::test]
    async fn another_key_seals_nothing_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let repository = with_a_medium().await;
        write_key(&path, [1; 32]);
        for_sealing(&path, &repository).await.unwrap();
        write_key(&path, [2; 32]);
        let error = for_sealing(&path, &repository).await.unwrap_err().to_string();
        assert!(error.starts_with("wrong key"), "{error}");
        for_opening(&path, &repository).await.unwrap();
    }
}
