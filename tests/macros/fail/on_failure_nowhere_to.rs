#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

fn check(chunk: Chunk) -> Result<Chunk, String> {
    Ok(chunk)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step check, on_failure: dead_letter;
        step check, on_failure: dead_leter(queue);
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
