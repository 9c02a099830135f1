#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue, name: impl Into<String>) {
        start Starter::new(queue);
        step Encryption;
        finish Notifier, name: name;
    }
}

fn main() {
    let upload = Upload::new(Queue, "notifier");
    println!("{}", upload.topology());
    let _running = upload.start();
}
