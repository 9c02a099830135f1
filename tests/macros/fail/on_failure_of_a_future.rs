#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step |chunk| async move { Ok::<_, String>(chunk.transfer) }, on_failure: skip;
        finish |number| async move { println!("{number}") };
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
