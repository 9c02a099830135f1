#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload<T: Send>(queue: Queue, extra: T) {
        start Starter::new(queue);
        step Encryption;
        finish |sealed: Sealed| drop((sealed, &extra));
    }
}

fn main() {
    let upload = Upload::new(Queue, 4);
    println!("{}", upload.topology());
    let _running = upload.start();
}
