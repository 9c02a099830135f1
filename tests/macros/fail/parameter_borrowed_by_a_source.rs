use stage_core::pipeline;

pipeline! {
    /// Stores every queued file.
    pub Upload(text: String) {
        start || text.lines();
        finish |line: &str| println!("{line}");
    }
}

fn main() {
    let upload = Upload::new(String::new());
    println!("{}", upload.topology());
    let _running = upload.start();
}
