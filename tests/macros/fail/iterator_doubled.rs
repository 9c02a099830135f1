#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

const COPIES: usize = 2;

pipeline! {
    /// Stores every queued file.
    pub Upload() {
        count: COPIES,
        start || [Chunk { transfer: 1 }];
        step Encryption;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new();
    println!("{}", upload.topology());
    let _running = upload.start();
}
