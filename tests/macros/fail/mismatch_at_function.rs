#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

fn inspect(chunk: Chunk) -> Chunk {
    chunk
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step Encryption;
        step inspect;
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
