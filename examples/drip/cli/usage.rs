//! The command `drip usage`: ranks users by stored bytes with a flow over the media, joined with all users.
//!
//! ```text
//! media ─▶ sums by user ─┐
//!                        ├─▶ users ⟕ sums ─▶ sorted
//! users ─────────────────┘
//! ```

use std::cmp::Reverse;
use std::ops::AddAssign;
use std::sync::Arc;

use flow::join::LeftOuter;
use flow::stages::OnError;
use flow::{Flow, FlowError};
use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;
use stage_core::{BoxError, ExitReason};

use super::entry::Success;
use super::output::Output;
use crate::report::{Align, Table, bar, bytes, count, share, shown_text, tell};
use crate::repository::{Media, Repository, RepositoryError, User};
use crate::session::{Look, Places, SessionError};

/// Rows read per batch.
const PAGE: usize = 1000;

/// Length of the longest bar, in characters.
const BAR: u64 = 30;

/// The usage of all users in JSON output.
#[derive(Debug, Default, Serialize)]
struct Usage {
    command: &'static str,
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    stages: [(); 0],
    users: Vec<Row>,
}

/// The usage of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    user: String,
    files: u64,
    bytes: u64,
}

/// Number and size of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stored {
    files: u64,
    bytes: u64,
}

impl AddAssign for Stored {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

pub(super) async fn run(places: &Places, output: Output) -> Result<Success, BoxError> {
    let begun = std::time::Instant::now();
    let mut usage = Usage { command: "usage", ..Usage::default() };
    match Look::at(places).await {
        Ok(look) => usage.users = ranking(&look.repository).await.map_err(why)?,
        // A missing data folder is an empty list, not an error.
        Err(none @ SessionError::NoFolder(_)) => tell(&none.to_string()),
        Err(error) => return Err(error.into()),
    }
    for row in &usage.users {
        usage.files += row.files;
        usage.bytes += row.bytes;
    }
    usage.seconds = begun.elapsed().as_secs_f64();
    output.result(&table(&usage).to_string(), &usage)?;
    Ok(Success::Whole)
}

/// Extracts the error that concerns the user, without the name of the stage that met it.
fn why(error: FlowError) -> BoxError {
    match error {
        FlowError::Stage { reason: ExitReason::Error(error), .. } => error.to_string().into(),
        other => other.into(),
    }
}

/// Returns all users by descending size, including those that store nothing.
async fn ranking(repository: &Arc<dyn Repository>) -> Result<Vec<Row>, FlowError> {
    let (of_media, of_users) = (Arc::clone(repository), Arc::clone(repository));
    let stored = Flow::from_stream(move || media(Arc::clone(&of_media)))
        .errors(OnError::Fail)
        .flat_map(|page| page)
        .sum_by(|medium| medium.user, |medium| Stored { files: 1, bytes: medium.size });
    Flow::from_stream(move || users(Arc::clone(&of_users)))
        .errors(OnError::Fail)
        .flat_map(|page| page)
        .bounded_join(LeftOuter, stored, |user| user.id, |(user, _)| *user)
        .map(|(user, stored)| {
            let Stored { files, bytes } = stored.map(|(_, stored)| stored).unwrap_or_default();
            Row { user: user.email, files, bytes }
        })
        .sort(|one, other| {
            let order = |row: &Row| Reverse((row.bytes, row.files));
            order(one).cmp(&order(other)).then_with(|| one.user.cmp(&other.user))
        })
        .collect()
        .await
}

/// Streams all media page by page.
fn media(repository: Arc<dyn Repository>) -> impl Stream<Item = Result<Vec<Media>, RepositoryError>> + Send {
    try_unfold((repository, None), |(repository, after)| async move {
        let page = repository.media_after(after, PAGE).await?;
        let last = page.last().map(|medium| medium.id);
        Ok(last.map(|last| (page, (repository, Some(last)))))
    })
}

/// Streams all users page by page.
fn users(repository: Arc<dyn Repository>) -> impl Stream<Item = Result<Vec<User>, RepositoryError>> + Send {
    try_unfold((repository, None), |(repository, after)| async move {
        let page = repository.users_after(after, PAGE).await?;
        let last = page.last().map(|user| user.id);
        Ok(last.map(|last| (page, (repository, Some(last)))))
    })
}

fn table(usage: &Usage) -> Table {
    let right = Align::Right;
    let columns =
        [("USER", Align::Left), ("FILES", right), ("SIZE", right), ("SHARE", right), ("", Align::Left)];
    let most = usage.users.iter().map(|row| row.bytes).max().unwrap_or_default();
    let mut table = Table::new(columns);
    for row in &usage.users {
        table.row([
            shown_text(&row.user),
            count(row.files),
            bytes(row.bytes),
            share(row.bytes, usage.bytes),
            bar(row.bytes, most, BAR),
        ]);
    }
    table
}
