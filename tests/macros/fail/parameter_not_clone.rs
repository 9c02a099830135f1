#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pub struct OneOff(Queue);

impl OneOff {
    fn look(&self, _sealed: Sealed) {}
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: OneOff) {
        start Starter::new(queue.0);
        step Encryption;
        finish |sealed: Sealed| queue.look(sealed);
    }
}

fn main() {
    let upload = Upload::new(OneOff(Queue));
    println!("{}", upload.topology());
    let _running = upload.start();
}
