use stage_core::pipeline;

use std::sync::mpsc::Receiver;

pipeline! {
    /// Stores every queued file.
    pub Upload(numbers: Receiver<u64>) {
        start numbers;
        finish |number: u64| println!("{number}");
    }
}

fn main() {
    let upload = Upload::new(std::sync::mpsc::channel().1);
    println!("{}", upload.topology());
    let _running = upload.start();
}
