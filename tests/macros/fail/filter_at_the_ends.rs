#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start filter || 0..10_u64;
        step |number| number;
        broadcast {
            finish many |number| drop(number);
        } and {
            step |number| number;
            then finish some |number| drop(number);
        }
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
