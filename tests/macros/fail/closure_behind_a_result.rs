#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start  || ["1", "two"];
        step   |word: &str| word.parse::<u32>();
        finish |number: u32| println!("{number}");
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
