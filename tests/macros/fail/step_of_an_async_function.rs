#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

async fn look_up(number: u64) -> u64 {
    number
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start  0..10_u64;
        step   look_up;
        finish |number: u64| println!("{number}");
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
