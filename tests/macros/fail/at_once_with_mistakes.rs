#[path = "../stages.rs"]
mod stages;

use stage_core::{pipeline, policy};
use stages::*;

async fn look_up(number: u64) -> Result<u64, std::io::Error> {
    Ok(number)
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start 0..10_u64, at_once: 4;
        step policy::each(look_up), at_once: 0;
        step policy::each(look_up), at_once: "four", name: "four";
        step policy::each(look_up), order: any, name: "order";
        step policy::each(look_up), at_once: 4, order: keep, name: "keep";
        step |number| number + 1, at_once: 4;
        step policy::each(look_up), at_once: 4, name: "then";
        then |number| number;
        step policy::each(look_up), at_once: 4, at_most: 2, name: "per";
        step policy::each(look_up), at_most: 2, per: |number| number % 2, name: "at_once";
        step policy::each(look_up), at_once: 4, per: |number| number % 2, name: "at_most";
        step policy::each(look_up), at_once: 4, at_most: 0, per: |number| number % 2, name: "none";
        step policy::each(look_up), at_once: aut, name: "word";
        step policy::each(look_up), at_once: 4.., name: "open";
        step policy::each(look_up), at_once: 64..=4, name: "empty";
        step policy::each(look_up), at_once: 0..=4, name: "zero";
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
