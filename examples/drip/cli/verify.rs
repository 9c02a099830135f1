//! The command `drip verify`: checks that stored files can be read.

use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use futures_util::stream::{self, StreamExt};
use stage_core::BoxError;
use tokio::runtime::Handle;

use super::entry::Success;
use super::interrupt::interrupted;
use super::output::Output;
use crate::download::Check;
use crate::report::{Failed, Summary, bytes, count, tell};
use crate::repository::Media;
use crate::session::{Places, Session};

/// Media read per batch.
const PAGE: usize = 500;

/// Checks all media, or a sample of `per_cent` percent.
pub(super) async fn run(places: &Places, per_cent: u8, output: Output) -> Result<Success, BoxError> {
    let begun = std::time::Instant::now();
    let session = Session::open_existing(places).await?;
    session.storage.reach().await?;
    let summary = tokio::select! {
        summary = verify(&session, per_cent) => summary?,
        () = interrupted() => Summary { interrupted: true, ..Summary::default() },
    };
    let summary = Summary { command: "verify", seconds: begun.elapsed().as_secs_f64(), ..summary };
    let files = if summary.files == 1 { "file" } else { "files" };
    let (whole, size) = (count(summary.files), bytes(summary.bytes));
    output
        .result(&format!("verified {whole} {files}, {size}; {} failed", count(summary.failed)), &summary)?;
    Ok(Success::of(&summary))
}

async fn verify(session: &Session, per_cent: u8) -> Result<Summary, BoxError> {
    let mut summary = Summary::default();
    let mut page = session.repository.media_after(None, PAGE).await?;
    if page.is_empty() {
        return Ok(summary);
    }
    let check = Check::new(session.storage.clone(), session.opening_key().await?);
    let copies = available_parallelism().map_or(1, NonZero::get);
    while let Some(last) = page.last().map(|media| media.id) {
        page.retain(|media| is_in_sample(media, per_cent));
        let checked = stream::iter(page).map(|media| checked(check.clone(), media)).buffer_unordered(copies);
        for (media, cause) in checked.collect::<Vec<_>>().await {
            match cause {
                None => {
                    summary.files += 1;
                    summary.bytes += media.size;
                }
                Some(cause) => {
                    let failed = Failed::new(Path::new(&media.relative_path), &cause);
                    tell(&format!("failed: {}: {}", failed.name, failed.cause));
                    summary.failures.push(failed);
                }
            }
        }
        page = session.repository.media_after(Some(last), PAGE).await?;
    }
    summary.failed = summary.failures.len() as u64;
    Ok(summary)
}

/// Checks a medium on a thread that may block.
async fn checked(check: Check, media: Media) -> (Media, Option<String>) {
    let runtime = Handle::current();
    let checked = media.clone();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(check.check(checked))).await;
    let cause = match done {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(broken) => Some(broken.to_string()),
    };
    (media, cause)
}

/// Whether a medium belongs to the sample. Ids end in random bits, so every run takes the same sample and
/// finds the same damage.
fn is_in_sample(media: &Media, per_cent: u8) -> bool {
    let [.., high, low] = *media.id.0.as_bytes();
    u16::from_be_bytes([high, low]) % 100 < u16::from(per_cent)
}
