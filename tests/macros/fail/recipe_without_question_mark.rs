#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

fn open(queue: Queue) -> Result<Starter, std::io::Error> {
    Ok(Starter::new(queue))
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start open(queue);
        step Encryption;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
