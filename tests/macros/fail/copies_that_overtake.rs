#![deny(deprecated)]

#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start 0..10, buffer: 5;
        step |number| number, max_demand: 10;
        partition by |number| *number, into 4 {
            finish drop, count: 2;
        }
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
