#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        count: ..=8,
        start Starter::new(queue), count: 1..=2;
        step Encryption, count: 0..;
        step Encryption, name: "b", count: 8..=1;
        step Encryption, name: "c", count: 1..8;
        step Encryption, name: "d", count: 0..=8;
        finish Notifier, count: 1..="8";
    }
}

fn main() {
    let _upload = Upload::new(Queue);
}
