#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

fn check(sealed: Sealed) -> Result<u64, String> {
    Ok(sealed.transfer)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step check, on_failure: skip;
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
