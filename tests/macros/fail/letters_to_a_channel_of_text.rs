use stage_core::pipeline;

use std::sync::mpsc::Sender;

pipeline! {
    /// Stores every queued file.
    pub Upload(letters: Sender<String>) {
        start || ["1", "x"];
        step |text: &str| text.parse::<u64>(), on_failure: dead_letter(letters);
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(std::sync::mpsc::channel().0);
    println!("{}", upload.topology());
    let _running = upload.start();
}
