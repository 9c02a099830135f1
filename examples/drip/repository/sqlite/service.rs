//! The implementation of the trait: each method is one transaction.

use std::path::PathBuf;

use rusqlite::{Connection, Transaction};

use super::{Sqlite, dead, media, queue, removal, versions, waiting};
use crate::repository::{
    Answer, DeadUpload, GivenBack, GivenUp, Known, Media, MediaId, NewDownload, NewUpload, Repository, Scope,
    Stored, Transfer, TransferId, User, UserId, Waiting,
};

fn whole<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction()?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// As [`whole`], and survives a power cut: for changes that are reported as done.
fn durably<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    let answer = whole(connection, work);
    connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
    answer
}

impl Repository for Sqlite {
    fn user(&self, email: &str) -> Answer<'_, UserId> {
        let email = email.to_owned();
        self.run(move |connection| whole(connection, |transaction| media::user(transaction, &email)))
    }

    fn add_uploads(&self, user: UserId, uploads: Vec<NewUpload>) -> Answer<'_, u64> {
        self.run(move |connection| whole(connection, |all| queue::add_uploads(all, user, &uploads)))
    }

    fn add_downloads(&self, downloads: Vec<NewDownload>) -> Answer<'_, u64> {
        self.run(move |connection| whole(connection, |all| queue::add_downloads(all, &downloads)))
    }

    fn waiting(&self, scope: &Scope) -> Answer<'_, Waiting> {
        let scope = scope.clone();
        self.run(move |connection| queue::waiting(connection, &scope))
    }

    fn lease(&self, scope: &Scope, limit: usize) -> Answer<'_, Vec<Transfer>> {
        let scope = scope.clone();
        self.run(move |connection| whole(connection, |all| queue::lease(all, &scope, limit)))
    }

    fn give_back(&self, transfers: Vec<GivenBack>) -> Answer<'_, ()> {
        self.run(move |connection| whole(connection, |all| queue::give_back(all, &transfers)))
    }

    fn give_up(&self, transfers: Vec<GivenUp>) -> Answer<'_, Vec<String>> {
        self.run(move |connection| whole(connection, |all| dead::give_up(all, &transfers)))
    }

    fn dead_count(&self) -> Answer<'_, u64> {
        self.run(|connection| dead::count(connection))
    }

    fn dead_uploads_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<DeadUpload>> {
        self.run(move |connection| dead::uploads_after(connection, after, limit))
    }

    fn revive_uploads(&self) -> Answer<'_, u64> {
        self.run(|connection| whole(connection, dead::revive_uploads))
    }

    fn revive_upload(&self, transfer: TransferId) -> Answer<'_, bool> {
        self.run(move |connection| whole(connection, |all| dead::revive_upload(all, transfer)))
    }

    fn forget_upload(&self, transfer: TransferId) -> Answer<'_, ()> {
        self.run(move |connection| whole(connection, |all| dead::forget(all, transfer)))
    }

    fn queued_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<Transfer>> {
        self.run(move |connection| waiting::queued_after(connection, after, limit))
    }

    fn forget_queued(&self, transfers: Vec<TransferId>) -> Answer<'_, u64> {
        self.run(move |connection| whole(connection, |all| waiting::forget(all, &transfers)))
    }

    fn finish_uploads(&self, stored: Vec<Stored>) -> Answer<'_, ()> {
        self.run(move |connection| durably(connection, |all| queue::finish_uploads(all, &stored)))
    }

    fn finish_downloads(&self, transfers: Vec<TransferId>) -> Answer<'_, ()> {
        self.run(move |connection| durably(connection, |all| queue::finish_downloads(all, &transfers)))
    }

    fn recover(&self) -> Answer<'_, Vec<Transfer>> {
        self.run(|connection| whole(connection, queue::recover))
    }

    fn take_over(&self) -> Answer<'_, Vec<Transfer>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn media(&self, id: MediaId) -> Answer<'_, Option<Media>> {
        self.run(move |connection| media::media(connection, id))
    }

    fn media_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>> {
        self.run(move |connection| media::media_after(connection, after, limit))
    }

    fn stored_at(&self, user: UserId, paths: Vec<PathBuf>) -> Answer<'_, Vec<Option<Known>>> {
        self.run(move |connection| versions::stored_at(connection, user, &paths))
    }

    fn seen(&self, media: Vec<(MediaId, Option<i64>)>) -> Answer<'_, ()> {
        self.run(move |connection| whole(connection, |all| versions::seen(all, &media)))
    }

    fn latest_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>> {
        self.run(move |connection| versions::latest_after(connection, after, limit))
    }

    fn superseded(&self) -> Answer<'_, u64> {
        self.run(|connection| versions::superseded(connection))
    }

    fn roots(&self) -> Answer<'_, Vec<PathBuf>> {
        self.run(|connection| media::roots(connection))
    }

    fn remove_media(&self, ids: Vec<MediaId>) -> Answer<'_, Vec<Media>> {
        self.run(move |connection| durably(connection, |all| removal::remove(all, &ids)))
    }

    fn removed_media(&self) -> Answer<'_, Vec<Media>> {
        self.run(|connection| removal::removed(connection))
    }

    fn forget_media(&self, ids: Vec<MediaId>) -> Answer<'_, ()> {
        self.run(move |connection| durably(connection, |all| removal::forget(all, &ids)))
    }

    fn restore_media(&self, media: Vec<Media>) -> Answer<'_, u64> {
        self.run(move |connection| durably(connection, |all| removal::restore(all, &media)))
    }

    fn users_after(&self, after: Option<UserId>, limit: usize) -> Answer<'_, Vec<User>> {
        self.run(move |connection| media::users_after(connection, after, limit))
    }

    fn setting(&self, name: &'static str) -> Answer<'_, Option<String>> {
        self.run(move |connection| media::setting(connection, name))
    }

    fn set_setting(&self, name: &'static str, value: String) -> Answer<'_, ()> {
        self.run(move |connection| media::set_setting(connection, name, &value))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::repository::{Attributes, Kind, LinkGroup};

    fn upload(name: &str) -> NewUpload {
        NewUpload {
            full_path: Path::new("/src").join(name),
            relative_path: name.into(),
            size: 10,
            ..NewUpload::default()
        }
    }

    async fn with_uploads(names: &[&str]) -> (Sqlite, UserId) {
        let repository = Sqlite::in_memory();
        let user = repository.user("joe_armstrong@erlang.uk").await.unwrap();
        let uploads = names.iter().map(|name| upload(name)).collect();
        repository.add_uploads(user, uploads).await.unwrap();
        (repository, user)
    }

    fn names(transfers: &[Transfer]) -> Vec<PathBuf> {
        transfers.iter().map(|transfer| transfer.media.relative_path.clone()).collect()
    }

    async fn store(repository: &Sqlite, transfer: &Transfer) {
        let stored = Stored {
            transfer: transfer.id,
            media: transfer.media.id,
            size: 11,
            checksum: [3; 32],
            attributes: transfer.media.attributes.clone(),
            object_size: 99,
        };
        repository.finish_uploads(vec![stored]).await.unwrap();
    }

    #[tokio::test]
    async fn a_user_is_made_once() {
        let repository = Sqlite::in_memory();
        let first = repository.user("atenas@meow.cat").await.unwrap();
        assert_eq!(repository.user("atenas@meow.cat").await.unwrap(), first);
        assert_ne!(repository.user("billy_boy@woof.dog").await.unwrap(), first);
    }

    #[tokio::test]
    async fn the_queue_is_served_in_its_order_and_nothing_twice() {
        let (repository, _) = with_uploads(&["a", "b", "c"]).await;
        let first = repository.lease(&Scope::Uploads, 2).await.unwrap();
        let second = repository.lease(&Scope::Uploads, 2).await.unwrap();
        assert_eq!(names(&first), [Path::new("a"), Path::new("b")]);
        assert_eq!(names(&second), [Path::new("c")]);
        assert!(repository.lease(&Scope::Uploads, 2).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_waits_is_not_queued_twice_but_another_users_is() {
        let (repository, user) = with_uploads(&["a"]).await;
        assert_eq!(repository.add_uploads(user, vec![upload("a"), upload("b")]).await.unwrap(), 1);
        let other = repository.user("mike_williams@erlang.wls").await.unwrap();
        assert_eq!(repository.add_uploads(other, vec![upload("a")]).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn failed_transfers_come_back_after_untried_ones_and_stopped_ones_are_not_counted() {
        let (repository, _) = with_uploads(&["a", "b", "c"]).await;
        let leased = repository.lease(&Scope::Uploads, 2).await.unwrap();
        let back = vec![GivenBack::Failed(leased[0].id), GivenBack::Stopped(leased[1].id)];
        repository.give_back(back).await.unwrap();
        let again = repository.lease(&Scope::Uploads, 9).await.unwrap();
        assert_eq!(names(&again), [Path::new("b"), Path::new("c"), Path::new("a")]);
        assert_eq!(again.iter().map(|t| t.attempts).collect::<Vec<_>>(), [1, 1, 2]);
    }

    #[tokio::test]
    async fn a_medium_exists_only_once_its_upload_is_whole() {
        let (repository, _) = with_uploads(&["a"]).await;
        assert!(repository.media_after(None, 9).await.unwrap().is_empty());
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap().remove(0);
        store(&repository, &leased).await;
        let media = repository.media(leased.media.id).await.unwrap().unwrap();
        assert_eq!((media.size, media.checksum), (11, Some([3; 32])));
        assert_eq!(repository.waiting(&Scope::Uploads).await.unwrap(), Waiting::default());
    }

    #[tokio::test]
    async fn transfers_leased_by_a_killed_process_come_back() {
        let (repository, _) = with_uploads(&["a", "b"]).await;
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap();
        let back = repository.recover().await.unwrap();
        assert_eq!(names(&back), names(&leased));
        assert_eq!(repository.waiting(&Scope::Uploads).await.unwrap(), Waiting { files: 2, bytes: 20 });
    }

    #[tokio::test]
    async fn a_failed_upload_stays_dead_until_retried_or_forgotten_and_a_failed_download_is_removed() {
        let (repository, _) = with_uploads(&["a", "b"]).await;
        let leased = repository.lease(&Scope::Uploads, 2).await.unwrap();
        store(&repository, &leased[0]).await;
        let media = leased[0].media.id;
        let download = NewDownload { media, folder: "/to".into(), target: "/to/a".into() };
        assert_eq!(repository.add_downloads(vec![download]).await.unwrap(), 1);
        let scope = Scope::Downloads { folder: "/to".into() };
        let down = repository.lease(&scope, 9).await.unwrap();
        let given_up = |transfer: &Transfer| GivenUp { transfer: transfer.id, cause: "no".to_owned() };
        let useless = repository.give_up(vec![given_up(&leased[1]), given_up(&down[0])]).await.unwrap();
        assert_eq!(useless, [leased[1].media.storage_key.clone()]);
        let left = repository.media_after(None, 9).await.unwrap();
        assert_eq!(left.iter().map(|m| m.id).collect::<Vec<_>>(), [media]);
        assert!(repository.recover().await.unwrap().is_empty());

        let dead = repository.dead_uploads_after(None, 9).await.unwrap();
        assert_eq!(dead, [DeadUpload { transfer: leased[1].clone(), cause: "no".to_owned() }]);
        assert!(repository.lease(&Scope::Uploads, 9).await.unwrap().is_empty());
        assert_eq!(repository.revive_uploads().await.unwrap(), 1);
        let again = repository.lease(&Scope::Uploads, 9).await.unwrap();
        assert_eq!(again, [leased[1].clone()], "the same, at its first attempt");
        repository.give_up(vec![given_up(&again[0])]).await.unwrap();
        repository.forget_upload(again[0].id).await.unwrap();
        assert!(repository.dead_uploads_after(None, 9).await.unwrap().is_empty());
        assert_eq!(repository.revive_uploads().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_file_with_a_dead_upload_is_retried_when_requested_again() {
        let (repository, user) = with_uploads(&["a"]).await;
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap();
        repository.give_up(vec![GivenUp { transfer: leased[0].id, cause: "no".to_owned() }]).await.unwrap();
        assert_eq!(repository.add_uploads(user, vec![upload("a")]).await.unwrap(), 1);
        assert_eq!(repository.lease(&Scope::Uploads, 9).await.unwrap(), leased);
        assert!(repository.dead_uploads_after(None, 9).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn downloads_are_leased_by_the_folder_they_go_to() {
        let (repository, _) = with_uploads(&["a"]).await;
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap().remove(0);
        store(&repository, &leased).await;
        let media = leased.media.id;
        let to =
            |folder: &str| NewDownload { media, folder: folder.into(), target: Path::new(folder).join("a") };
        repository.add_downloads(vec![to("/one"), to("/two"), to("/one")]).await.unwrap();
        let one = Scope::Downloads { folder: "/one".into() };
        let leased = repository.lease(&one, 9).await.unwrap();
        assert_eq!(leased.iter().map(|t| t.path.clone()).collect::<Vec<_>>(), [Path::new("/one/a")]);
        repository.finish_downloads(vec![leased[0].id]).await.unwrap();
        assert_eq!(repository.waiting(&one).await.unwrap().files, 0);
        assert_eq!(repository.waiting(&Scope::Downloads { folder: "/two".into() }).await.unwrap().files, 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_name_that_is_not_utf_8_comes_back_unchanged() {
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        let repository = Sqlite::in_memory();
        let user = repository.user("a@b.c").await.unwrap();
        let full_path = Path::new("/src").join(name);
        let new = NewUpload { full_path, relative_path: name.into(), ..NewUpload::default() };
        repository.add_uploads(user, vec![new]).await.unwrap();
        assert_eq!(names(&repository.lease(&Scope::Uploads, 1).await.unwrap()), [name]);
    }

    #[tokio::test]
    async fn attributes_come_back_as_they_were_read_last() {
        let repository = Sqlite::in_memory();
        let user = repository.user("a@b.c").await.unwrap();
        let of = |kind: Kind| Attributes {
            kind,
            mode: Some(0o640),
            modified: Some(-1_500_000_001),
            link_group: Some(LinkGroup { device: 1 << 40, inode: u64::MAX }),
            sparse: true,
            folder_modes: vec![0o755, 0o700],
        };
        let new = |kind: Kind| NewUpload { attributes: of(kind), root: Some("/src".into()), ..upload("a") };
        repository.add_uploads(user, vec![new(Kind::Followed)]).await.unwrap();
        let link = Kind::Symlink { target: "../b".into() };
        assert_eq!(repository.add_uploads(user, vec![new(link.clone())]).await.unwrap(), 0, "it waits");
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap().remove(0);
        assert_eq!(leased.media.attributes, of(link.clone()), "it became a link while it waited");
        store(&repository, &leased).await;
        let media = repository.media(leased.media.id).await.unwrap().unwrap();
        assert_eq!(media.attributes, of(link));
        assert_eq!((media.root.as_deref(), media.object_size), (Some(Path::new("/src")), Some(99)));
    }

    #[tokio::test]
    async fn a_removed_medium_is_not_listed_and_is_forgotten_with_its_object() {
        let (repository, _) = with_uploads(&["a", "b"]).await;
        let leased = repository.lease(&Scope::Uploads, 9).await.unwrap();
        for transfer in &leased {
            store(&repository, transfer).await;
        }
        let id = leased[0].media.id;
        let download = NewDownload { media: id, folder: "/to".into(), target: "/to/a".into() };
        repository.add_downloads(vec![download]).await.unwrap();
        assert_eq!(repository.remove_media(vec![id, MediaId::new()]).await.unwrap().len(), 1);
        assert!(repository.remove_media(vec![id]).await.unwrap().is_empty(), "removed already");
        assert_eq!(repository.media(id).await.unwrap(), None);
        assert_eq!(repository.media_after(None, 9).await.unwrap().len(), 1);
        let scope = Scope::Downloads { folder: "/to".into() };
        assert_eq!(repository.waiting(&scope).await.unwrap().files, 0);
        let removed = repository.removed_media().await.unwrap();
        assert_eq!(removed.iter().map(|media| media.id).collect::<Vec<_>>(), [id]);
        assert_eq!(repository.restore_media(removed).await.unwrap(), 0, "it is to go");
        repository.forget_media(vec![id, leased[1].media.id]).await.unwrap();
        assert!(repository.removed_media().await.unwrap().is_empty());
        assert_eq!(repository.media_after(None, 9).await.unwrap().len(), 1, "the other one was not removed");
    }

    #[tokio::test]
    async fn media_are_restored_from_their_objects_unless_their_upload_is_queued() {
        let (repository, _) = with_uploads(&["a", "queued"]).await;
        let leased = repository.lease(&Scope::Uploads, 9).await.unwrap();
        store(&repository, &leased[0]).await;
        let known = repository.media(leased[0].media.id).await.unwrap().unwrap();
        let mut renamed = known.clone();
        renamed.relative_path = "renamed".into();
        let new = Media {
            id: MediaId::new(),
            email: "new@b.c".into(),
            storage_key: "aa/new".into(),
            ..known.clone()
        };
        let queued = leased[1].media.clone();
        let restored = vec![known, renamed.clone(), new.clone(), queued];
        assert_eq!(repository.restore_media(restored).await.unwrap(), 2);
        let media = repository.media_after(None, 9).await.unwrap();
        let names: Vec<_> = media.iter().map(|media| (&media.relative_path, &media.email)).collect();
        assert_eq!(names, [(&renamed.relative_path, &renamed.email), (&new.relative_path, &new.email)]);
    }

    #[tokio::test]
    async fn the_folders_of_uploads_are_known_in_their_order() {
        let repository = Sqlite::in_memory();
        let user = repository.user("a@b.c").await.unwrap();
        let new =
            |name: &str, root: Option<&str>| NewUpload { root: root.map(PathBuf::from), ..upload(name) };
        let uploads = vec![new("a", Some("/z")), new("b", None), new("c", Some("/a")), new("d", Some("/z"))];
        repository.add_uploads(user, uploads).await.unwrap();
        for transfer in repository.lease(&Scope::Uploads, 9).await.unwrap() {
            store(&repository, &transfer).await;
        }
        assert_eq!(repository.roots().await.unwrap(), [Path::new("/z"), Path::new("/a")]);
    }

    #[tokio::test]
    async fn media_are_listed_page_by_page_in_the_order_of_their_ids() {
        let (repository, _) = with_uploads(&["a", "b", "c"]).await;
        for transfer in repository.lease(&Scope::Uploads, 9).await.unwrap() {
            store(&repository, &transfer).await;
        }
        let first = repository.media_after(None, 2).await.unwrap();
        let second = repository.media_after(Some(first[1].id), 2).await.unwrap();
        assert_eq!((first.len(), second.len()), (2, 1));
        assert!(first[1].id < second[0].id);
    }

    #[tokio::test]
    async fn waiting_transfers_are_listed_and_forgotten_and_leased_or_foreign_ones_stay() {
        let (repository, user) = with_uploads(&["a", "b", "c"]).await;
        let queued = repository.queued_after(None, 2).await.unwrap();
        assert_eq!(names(&queued), [Path::new("a"), Path::new("b")]);
        let rest = repository.queued_after(Some(queued[1].id), 9).await.unwrap();
        assert_eq!(names(&rest), [Path::new("c")]);
        let leased = repository.lease(&Scope::Uploads, 1).await.unwrap();
        assert_eq!(names(&leased), [Path::new("a")]);
        let forgotten = vec![queued[0].id, queued[1].id];
        assert_eq!(repository.forget_queued(forgotten).await.unwrap(), 1, "one of them is leased");
        assert_eq!(repository.waiting(&Scope::Uploads).await.unwrap().files, 1);
        let left = repository.lease(&Scope::Uploads, 9).await.unwrap();
        assert_eq!((names(&left), left[0].attempts), (vec!["c".into()], 1));
        assert_eq!(
            repository.add_uploads(user, vec![upload("b")]).await.unwrap(),
            1,
            "nothing is left of it"
        );
    }

    #[tokio::test]
    async fn the_latest_version_of_a_file_is_the_one_that_counts() {
        let (repository, user) = with_uploads(&["a"]).await;
        for _ in 0..2 {
            let leased = repository.lease(&Scope::Uploads, 1).await.unwrap().remove(0);
            store(&repository, &leased).await;
            repository.add_uploads(user, vec![upload("a")]).await.unwrap();
        }
        let all = repository.media_after(None, 9).await.unwrap();
        assert_eq!((all.len(), repository.superseded().await.unwrap()), (2, 1));
        let latest = repository.latest_after(None, 9).await.unwrap();
        assert_eq!(latest, all[1..]);
        let paths = vec!["/src/none".into(), "/src/a".into()];
        let known = |seen| Some(Known { media: all[1].clone(), seen });
        assert_eq!(repository.stored_at(user, paths.clone()).await.unwrap(), [None, known(None)]);
        repository.seen(vec![(all[1].id, Some(7))]).await.unwrap();
        assert_eq!(repository.stored_at(user, paths.clone()).await.unwrap(), [None, known(Some(7))]);
        let other = repository.user("mike_williams@erlang.wls").await.unwrap();
        assert_eq!(repository.stored_at(other, paths).await.unwrap(), [None, None]);
    }

    #[tokio::test]
    async fn a_database_is_read_while_another_process_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        let writer = Sqlite::open(&path).unwrap();
        let user = writer.user("a@b.c").await.unwrap();
        let reader = Sqlite::open_to_read(&path).unwrap();
        writer.add_uploads(user, vec![upload("a")]).await.unwrap();
        assert_eq!(reader.waiting(&Scope::Uploads).await.unwrap().files, 1);
        assert!(reader.user("new@b.c").await.is_err(), "it only reads");
        writer.add_uploads(user, vec![upload("b")]).await.unwrap();
        assert_eq!(writer.lease(&Scope::Uploads, 9).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn the_next_run_finds_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        let repository = Sqlite::open(&path).unwrap();
        let user = repository.user("a@b.c").await.unwrap();
        repository.add_uploads(user, vec![upload("a")]).await.unwrap();
        repository.set_setting("name", "value".into()).await.unwrap();
        drop(repository);
        let repository = Sqlite::open(&path).unwrap();
        assert_eq!(repository.waiting(&Scope::Uploads).await.unwrap().files, 1);
        assert_eq!(repository.setting("name").await.unwrap().as_deref(), Some("value"));
    }

    #[test]
    fn an_open_database_is_reported_as_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        let first = Sqlite::open(&path).unwrap();
        let error = Sqlite::open(&path).unwrap_err().to_string();
        assert!(error.contains("in use by another program"), "{error}");
        drop(first);
        Sqlite::open(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_not_a_database_is_reported_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        std::fs::write(&path, vec![b'x'; 4096]).unwrap();
        let error = Sqlite::open(&path).unwrap_err().to_string();
        assert!(error.contains("is not a database of drip"), "{error}");
    }
}
