use stage_core::pipeline;

async fn read(path: String) -> Result<String, std::io::Error> {
    Ok(path)
}

pipeline! {
    /// Prints a file.
    pub Upload(path: String) {
        start  async { read(path).await };
        finish |text: String| println!("{text}");
    }
}

pipeline! {
    /// Prints a file.
    pub Twice(path: String) {
        start  || async move { read(path).await };
        finish |text: String| println!("{text}");
    }
}

fn main() {
    let _running = Upload::new(String::new()).start();
    let _running = Twice::new(String::new()).start();
}
