#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        acknowledged,
        start Starter::new(queue);
        partition by |chunk: &Chunk| chunk.transfer, into 4 {
            step Encryption;
            across queue, name: "sealed", by: |sealed: &Sealed| sealed.transfer, partitions: 0;
        }
        merge;
        across queue, name: "sealed";
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
