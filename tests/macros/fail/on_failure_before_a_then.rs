#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

fn check(chunk: Chunk) -> Result<u64, String> {
    Ok(chunk.transfer)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step check, on_failure: skip;
        then |transfer| transfer + 1;
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
