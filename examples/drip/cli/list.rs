//! What is stored? The command `drip ls`.

use serde::Serialize;
use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use crate::report::{Align, Table, count, shown, tell, timestamp};
use crate::repository::Media;
use crate::session::{Places, Session, SessionError};

/// Media read in one go.
const PAGE: usize = 1000;

/// What is stored, for a program.
#[derive(Debug, Default, Serialize)]
struct Listing {
    command: &'static str,
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    stages: [(); 0],
    media: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    user: String,
    file_name: String,
    path: String,
    full_path: String,
    size: u64,
    storage_key: String,
    checksum: Option<String>,
    created_at: String,
}

pub(super) async fn run(places: &Places, output: Output) -> Result<Success, BoxError> {
    let begun = std::time::Instant::now();
    let mut listing = Listing { command: "ls", ..Listing::default() };
    match Session::open_existing(places).await {
        Ok(session) => read(&session, &mut listing).await?,
        // Not having anything is an answer.
        Err(none @ SessionError::NoFolder(_)) => tell(&none.to_string()),
        Err(error) => return Err(error.into()),
    }
    listing.seconds = begun.elapsed().as_secs_f64();
    output.result(&table(&listing).to_string(), &listing);
    Ok(Success::Whole)
}

async fn read(session: &Session, listing: &mut Listing) -> Result<(), BoxError> {
    let mut after = None;
    loop {
        let page = session.repository.media_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for media in &page {
            listing.files += 1;
            listing.bytes += media.size;
            listing.media.push(row(media));
        }
    }
}

fn row(media: &Media) -> Row {
    Row {
        id: media.id.to_string(),
        user: media.email.clone(),
        file_name: shown(media.relative_path.file_name().unwrap_or_default().as_ref()),
        path: shown(&media.relative_path),
        full_path: shown(&media.full_path),
        size: media.size,
        storage_key: media.storage_key.clone(),
        checksum: media.checksum.map(|checksum| blake3::Hash::from_bytes(checksum).to_string()),
        created_at: timestamp(media.created_at),
    }
}

fn table(listing: &Listing) -> Table {
    let left = Align::Left;
    let columns =
        [("ID", left), ("SIZE", Align::Right), ("CREATED (UTC)", left), ("USER", left), ("PATH", left)];
    let mut table = Table::new(columns);
    for media in &listing.media {
        table.row([
            media.id.clone(),
            count(media.size),
            media.created_at.clone(),
            media.user.clone(),
            media.path.clone(),
        ]);
    }
    table
}
