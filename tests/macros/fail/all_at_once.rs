#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        min_demand: 20, max_demand: 10,

        start Starter::new(queue), by: |chunk| chunk.transfer;
        stpe Encryption, count: 0, cuont: 4;
        step RemoteStorage, min_demand: 5, max_demand: 5
        step , count: -1;
        finish Notifier, name: 3;
        step RemoteStorage;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
