#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        acknowledged,
        start Starter::new(queue);
        across queue;
        step Encryption;
        across queue, name: "sealed", by: |sealed: &Sealed| sealed.transfer;
        across queue, name: "stored", partition: 8, count: 3;
        across;
        across |sealed| sealed, name: "checked", partitions: 8;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
