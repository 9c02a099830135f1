#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload() {
        start || [Chunk { transfer: 1 }], count: 2;
        step Encryption;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new();
    println!("{}", upload.topology());
    let _running = upload.start();
}
