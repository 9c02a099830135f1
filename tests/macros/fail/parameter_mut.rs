use stage_core::pipeline;

pipeline! {
    /// Stores every queued file.
    pub Upload(mut seen: Vec<u64>) {
        start 0..10_u64;
        step |number| {
            seen.push(number);
            number
        };
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(Vec::new());
    println!("{}", upload.topology());
    let _running = upload.start();
}
