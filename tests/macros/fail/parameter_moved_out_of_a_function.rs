use stage_core::pipeline;

fn open(_path: String) -> u64 {
    1
}

pipeline! {
    /// Stores every queued file.
    pub Upload(path: String) {
        start 0..10_u64;
        step |number| number + open(path);
        finish drop;
    }
}

fn main() {
    let upload = Upload::new(String::new());
    println!("{}", upload.topology());
    let _running = upload.start();
}
