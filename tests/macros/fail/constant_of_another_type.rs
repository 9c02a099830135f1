#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

const COPIES: u32 = 4;
const NAME: u8 = 4;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step Encryption, count: COPIES;
        finish Notifier, name: NAME;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
