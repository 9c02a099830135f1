#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        acknowledged,
        across queue, name: "chunks";
        step Encryption;
        across queue, name: "sealed";
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
