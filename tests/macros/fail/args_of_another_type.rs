#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload() {
        start Starter, args: [4];
        step Encryption;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new();
    println!("{}", upload.topology());
    let _running = upload.start();
}
