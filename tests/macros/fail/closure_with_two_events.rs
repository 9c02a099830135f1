#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload() {
        start |chunk| 0..3;
        step |chunk, sealed| sealed;
        step async |x| x;
        finish || drop(Queue);
    }
}

fn main() {
    let upload = Upload::new();
    println!("{}", upload.topology());
    let _running = upload.start();
}
