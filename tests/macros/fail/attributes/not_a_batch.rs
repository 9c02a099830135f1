use stage_core::producer_consumer;

#[producer_consumer(batch)]
fn encrypt(file: u64) -> Vec<u64> {
    vec![file]
}

fn main() {
    let _ = Encrypt::new();
}
