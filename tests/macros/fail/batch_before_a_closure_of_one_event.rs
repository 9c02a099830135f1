#[path = "../stages.rs"]
mod stages;

use stage_core::batch::Limits;
use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start  0..10_u32;
        finish |number: u32| println!("{number}"), batch: Limits::count(5);
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
