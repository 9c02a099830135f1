#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

use std::rc::Rc;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Rc<Queue>) {
        start Starter::new((*queue).clone());
        step Encryption;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Rc::new(Queue));
    println!("{}", upload.topology());
    let _running = upload.start();
}
