#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

const COPIES: usize = 0;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        count: COPIES,
        start Starter::new(queue);
        step Encryption, count: COPIES * 2;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
