use std::rc::Rc;
use stage_core::producer_consumer;

#[producer_consumer]
async fn encrypt(file: u64) -> u64 {
    let file = Rc::new(file);
    std::future::ready(()).await;
    *file
}

fn main() {
    let _ = Encrypt::new();
}
