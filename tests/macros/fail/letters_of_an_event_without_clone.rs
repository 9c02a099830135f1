#[path = "../stages.rs"]
mod stages;

use stage_core::ack::Delivery;
use stage_core::policy::DeadLetter;
use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue, letters: tokio::sync::mpsc::Sender<Delivery<DeadLetter<Chunk>>>) {
        start Starter::new(queue);
        step |chunk| Ok::<_, String>(chunk), on_failure: dead_letter(letters);
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue, tokio::sync::mpsc::channel(1).0);
    println!("{}", upload.topology());
    let _running = upload.start();
}
