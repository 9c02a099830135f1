#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// A function has no state to hand over.
    pub Numbers() {
        start  0..9_u32;
        step   |number| number + 1, count: 1..=4, by: |number| number % 2;
        finish drop;
    }
}

pipeline! {
    /// This stage hands nothing over.
    pub Upload(queue: Queue) {
        start  Starter::new(queue);
        step   Encryption, count: 1..=4, by: |_| 0_u8;
        finish Notifier;
    }
}

fn main() {
    let _upload = Upload::new(Queue);
}
