#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start  0..10;
        then   |number: u32| number.to_string();
        then finish |text: u64| println!("{text}");
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
