//! The implementation of the trait: each method is one transaction.

use std::path::PathBuf;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::{Postgres, dead, media, queue, removal};
use crate::repository::{
    Answer, DeadUpload, GivenBack, GivenUp, Known, Media, MediaId, NewDownload, NewUpload, Repository, Scope,
    Stored, Transfer, TransferId, User, UserId, Waiting,
};

/// Does work on the connection, named `client`: one transaction, which is repeated if it conflicts with that of another drip.
macro_rules! on_connection {
    ($self:ident, $client:ident => $work:expr) => {
        Box::pin(async move {
            let mut open = $self.client().await?;
            loop {
                let $client = &mut *open;
                match $work.await {
                    Err(error) if is_conflict(&error) => {}
                    done => return $self.told(done),
                }
            }
        })
    };
}

/// Returns whether the server has rolled back a transaction because of another one, so that it may succeed the next time.
/// Two drips that upload the same folder change the same rows, in different orders.
fn is_conflict(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE))
}

impl Repository for Postgres {
    fn user(&self, email: &str) -> Answer<'_, UserId> {
        let email = email.to_owned();
        on_connection!(self, client => media::user(&*client, &email))
    }

    fn add_uploads(&self, user: UserId, uploads: Vec<NewUpload>) -> Answer<'_, u64> {
        on_connection!(self, client => queue::add_uploads(client, user, &uploads))
    }

    fn add_downloads(&self, downloads: Vec<NewDownload>) -> Answer<'_, u64> {
        on_connection!(self, client => queue::add_downloads(client, &downloads))
    }

    fn waiting(&self, scope: &Scope) -> Answer<'_, Waiting> {
        let scope = scope.clone();
        on_connection!(self, client => queue::waiting(client, &scope))
    }

    fn lease(&self, scope: &Scope, limit: usize) -> Answer<'_, Vec<Transfer>> {
        let scope = scope.clone();
        on_connection!(self, client => queue::lease(client, &scope, limit, self.process()))
    }

    fn give_back(&self, transfers: Vec<GivenBack>) -> Answer<'_, ()> {
        on_connection!(self, client => queue::give_back(client, &transfers, self.process()))
    }

    fn give_up(&self, transfers: Vec<GivenUp>) -> Answer<'_, Vec<String>> {
        on_connection!(self, client => dead::give_up(client, &transfers, self.process()))
    }

    fn dead_count(&self) -> Answer<'_, u64> {
        on_connection!(self, client => dead::count(client))
    }

    fn dead_uploads_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<DeadUpload>> {
        on_connection!(self, client => dead::uploads_after(client, after, limit))
    }

    fn revive_uploads(&self) -> Answer<'_, u64> {
        on_connection!(self, client => dead::revive_uploads(client))
    }

    fn revive_upload(&self, transfer: TransferId) -> Answer<'_, bool> {
        on_connection!(self, client => dead::revive_upload(client, transfer))
    }

    fn forget_upload(&self, transfer: TransferId) -> Answer<'_, ()> {
        on_connection!(self, client => dead::forget(client, transfer))
    }

    fn queued_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<Transfer>> {
        on_connection!(self, client => queue::queued_after(client, after, limit))
    }

    fn forget_queued(&self, transfers: Vec<TransferId>) -> Answer<'_, u64> {
        on_connection!(self, client => queue::forget_queued(client, &transfers))
    }

    fn finish_uploads(&self, stored: Vec<Stored>) -> Answer<'_, ()> {
        on_connection!(self, client => queue::finish_uploads(client, &stored, self.process()))
    }

    fn finish_downloads(&self, transfers: Vec<TransferId>) -> Answer<'_, ()> {
        on_connection!(self, client => queue::finish_downloads(client, &transfers, self.process()))
    }

    fn recover(&self) -> Answer<'_, Vec<Transfer>> {
        on_connection!(self, client => queue::recover(client, self.process()))
    }

    fn take_over(&self) -> Answer<'_, Vec<Transfer>> {
        // This process is alive: the connection has its lock.
        self.recover()
    }

    fn media(&self, id: MediaId) -> Answer<'_, Option<Media>> {
        on_connection!(self, client => media::media(&*client, id))
    }

    fn media_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>> {
        on_connection!(self, client => media::media_after(client, after, limit))
    }

    fn stored_at(&self, user: UserId, paths: Vec<PathBuf>) -> Answer<'_, Vec<Option<Known>>> {
        on_connection!(self, client => media::stored_at(client, user, &paths))
    }

    fn seen(&self, media: Vec<(MediaId, Option<i64>)>) -> Answer<'_, ()> {
        on_connection!(self, client => media::seen(client, &media))
    }

    fn latest_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>> {
        on_connection!(self, client => media::latest_after(client, after, limit))
    }

    fn superseded(&self) -> Answer<'_, u64> {
        on_connection!(self, client => media::superseded(client))
    }

    fn roots(&self) -> Answer<'_, Vec<PathBuf>> {
        on_connection!(self, client => media::roots(client))
    }

    fn remove_media(&self, ids: Vec<MediaId>) -> Answer<'_, Vec<Media>> {
        on_connection!(self, client => removal::remove(client, &ids))
    }

    fn removed_media(&self) -> Answer<'_, Vec<Media>> {
        on_connection!(self, client => removal::removed(client))
    }

    fn forget_media(&self, ids: Vec<MediaId>) -> Answer<'_, ()> {
        on_connection!(self, client => removal::forget(client, &ids))
    }

    fn restore_media(&self, media: Vec<Media>) -> Answer<'_, u64> {
        on_connection!(self, client => removal::restore(client, &media))
    }

    fn users_after(&self, after: Option<UserId>, limit: usize) -> Answer<'_, Vec<User>> {
        on_connection!(self, client => media::users_after(client, after, limit))
    }

    fn setting(&self, name: &'static str) -> Answer<'_, Option<String>> {
        on_connection!(self, client => media::setting(client, name))
    }

    fn set_setting(&self, name: &'static str, value: String) -> Answer<'_, ()> {
        on_connection!(self, client => media::set_setting(client, name, &value))
    }
}
