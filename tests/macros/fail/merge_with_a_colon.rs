#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start 0..10;
        broadcast {
            partition: by |number: &u32| *number, into 4 {
                step |number| number + 1;
            }
            merge: all;
        } and {
            partition by |number: &u32| *number, into 2 {
                step |number| number * 2;
            }
            merge:
            step |number| number + 1;
        }
        merge: { and }
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
