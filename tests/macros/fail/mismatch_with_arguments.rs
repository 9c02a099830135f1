#[path = "../stages.rs"]
mod stages;

use stage_core::pipeline;
use stages::*;

impl RemoteStorage {
    fn new(_bucket: u8) -> Result<Self, std::io::Error> {
        Ok(Self)
    }
}

pipeline! {
    /// Stores every queued file.
    pub Upload(queue: Queue) {
        start Starter::new(queue);
        step stages::RemoteStorage::new(1)?;
        finish Notifier;
    }
}

fn main() {
    let upload = Upload::new(Queue);
    println!("{}", upload.topology());
    let _running = upload.start();
}
