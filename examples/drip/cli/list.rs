//! The command `drip ls`: lists the stored files page by page.

use std::time::Instant;

use serde::Serialize;
use stage_core::BoxError;

use super::entry::Success;
use super::output::{Output, Rows};
use crate::report::{Align, Columns, count, path_hex, shown, shown_text, tell, timestamp};
use crate::repository::{Media, Repository};
use crate::session::{Look, Places, SessionError};

/// Media read and shown per batch.
const PAGE: usize = 1000;

/// Maximum width of a user, in characters, that keeps the line aligned.
const WIDEST_USER: usize = 40;

/// The fields after the media in JSON output.
#[derive(Debug, Default, Serialize)]
struct Totals {
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    stages: [(); 0],
}

/// One medium in JSON output.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: String,
    user: &'a str,
    file_name: String,
    path: String,
    /// The bytes of a path that is not UTF-8, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    full_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_path_hex: Option<String>,
    size: u64,
    storage_key: &'a str,
    checksum: Option<String>,
    created_at: String,
}

pub(super) async fn run(places: &Places, output: Output) -> Result<Success, BoxError> {
    let begun = Instant::now();
    let mut totals = Totals::default();
    let rows = match Look::at(places).await {
        Ok(look) => {
            let repository = look.repository.as_ref();
            let mut rows = output.rows("ls", "media", columns(widest_user(repository).await?))?;
            list(repository, &mut rows, &mut totals).await?;
            rows
        }
        // A missing data folder is an empty list, not an error.
        Err(none @ SessionError::NoFolder(_)) => {
            tell(&none.to_string());
            output.rows("ls", "media", columns(0))?
        }
        Err(error) => return Err(error.into()),
    };
    totals.seconds = begun.elapsed().as_secs_f64();
    rows.end(&totals)?;
    Ok(Success::Whole)
}

/// Shows all media, until the reader of stdout is gone.
async fn list(repository: &dyn Repository, rows: &mut Rows, totals: &mut Totals) -> Result<(), BoxError> {
    let mut after = None;
    loop {
        let page = repository.media_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for media in &page {
            totals.files += 1;
            totals.bytes += media.size;
            show(media, rows)?;
        }
        if !rows.flush()? {
            return Ok(());
        }
    }
}

fn show(media: &Media, rows: &mut Rows) -> Result<(), BoxError> {
    let row = Row {
        id: media.id.to_string(),
        user: &media.email,
        file_name: text(media.relative_path.file_name().unwrap_or_default().as_ref()),
        path: text(&media.relative_path),
        path_hex: path_hex(&media.relative_path),
        full_path: text(&media.full_path),
        full_path_hex: path_hex(&media.full_path),
        size: media.size,
        storage_key: &media.storage_key,
        checksum: media.checksum.map(|checksum| blake3::Hash::from_bytes(checksum).to_string()),
        created_at: timestamp(media.created_at),
    };
    let (size, user, path) = (count(media.size), shown_text(&media.email), shown(&media.relative_path));
    rows.row([&row.id, &size, &row.created_at, &user, &path], &row)?;
    Ok(())
}

/// The path unchanged if it is UTF-8: JSON has its own escapes.
fn text(path: &std::path::Path) -> String {
    path.to_str().map_or_else(|| shown(path), str::to_owned)
}

/// Columns of fixed widths: rows are written at once, without waiting to learn the longest path.
fn columns(user: usize) -> Columns {
    let left = Align::Left;
    let (id, size, time) = (36, "999,999,999,999".len(), "2026-02-28 23:59:59".len());
    Columns::new([
        ("ID", left, id),
        ("SIZE", Align::Right, size),
        ("CREATED (UTC)", left, time),
        ("USER", left, user),
        ("PATH", left, 0),
    ])
}

/// Width of the widest user among the first page, in characters.
async fn widest_user(repository: &dyn Repository) -> Result<usize, BoxError> {
    let users = repository.users_after(None, PAGE).await?;
    let widest = users.iter().map(|user| shown_text(&user.email).chars().count()).max();
    Ok(widest.unwrap_or_default().min(WIDEST_USER))
}
