#[path = "../stages.rs"]
mod stages;

use std::time::Duration;

use stage_core::Backoff;
use stage_core::pipeline;
use stages::*;

fn check(chunk: Chunk) -> Result<u64, String> {
    Ok(chunk.transfer)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step check, retry: Backoff::new(Duration::ZERO, Duration::ZERO);
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
