#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

mod limits {
    pub const MIN: usize = 20;
    pub const MAX: usize = 20;
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step Encryption, min_demand: limits::MIN, max_demand: limits::MAX;
        step RemoteStorage, min_demand: limits::MIN;
        finish Notifier, max_demand: limits::MAX - limits::MIN;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
