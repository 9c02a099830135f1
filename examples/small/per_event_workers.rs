//! One supervised task per event: GenStage's `ConsumerSupervisor`.
//!
//! At most five pages are fetched at once. A failed fetch is restarted, an unwanted page is skipped, and the
//! task of a page that never answers can be ended manually.
#![forbid(unsafe_code)]

use std::time::Duration;

use stage_core::per_event::{Child, ChildRestart, PerEvent, Shutdown};
use stage_core::{BoxError, Intensity, pipeline};

/// Fetches a page: every seventh is busy at the first attempt, and number 42 never answers.
async fn fetch(page: u32, attempt: usize) -> Result<(), BoxError> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    if page == 42 {
        return std::future::pending().await;
    }
    if page.is_multiple_of(7) && attempt == 0 { Err("busy".into()) } else { Ok(()) }
}

pipeline! {
    /// Fetches a hundred pages, five at a time.
    Pages(fetches: PerEvent<u32>) {
        start  1..=100_u32;
        finish fetches, max_demand: 5;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let fetches = PerEvent::deciding(|page: u32, child: Child| {
        let wanted = !page.is_multiple_of(10);
        Ok(wanted.then(|| fetch(page, child.attempt())))
    });
    let within = Duration::from_secs(5);
    let fetches = fetches
        .restart(ChildRestart::Transient)
        .intensity(Intensity { max_restarts: 100, within })
        .shutdown(Shutdown::Abort);
    let children = fetches.children();

    let running = Pages::new(fetches).start().await?;
    // The end of the pipeline waits for every fetch, including that of page 42.
    while children.counts().started < 90 || children.counts().active > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for stuck in children.list() {
        println!("fetch {} was ended by hand", stuck.id);
        children.terminate(stuck.id).await?;
    }
    running.join().await?;
    let counts = children.counts();
    println!(
        "{} fetched, {} skipped, {} ended, {} attempts failed",
        counts.finished, counts.skipped, counts.terminated, counts.restarts
    );
    Ok(())
}
