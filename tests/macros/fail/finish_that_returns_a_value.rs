#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

async fn store(_number: u64) {}

fn count(_number: u64) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn stop(_number: u64) -> ! {
    std::process::exit(1)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start 0..10_u64;
        broadcast {
            finish store;
        } and {
            finish |number| count(number), name: "count";
        } and {
            finish |number| number + 1, name: "add";
        } and {
            finish stop;
        } and {
            step   |number| number;
            then   finish |number| number > 3;
        }
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
