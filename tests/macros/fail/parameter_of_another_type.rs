#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue, copies: u32) {
        start Starter::new(queue);
        step Encryption, count: copies;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue, 4);
    println!("{}", upload.topology());
    let _running = upload.start();
}
