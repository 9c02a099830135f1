use stage_core::producer_consumer;

#[producer_consumer(many)]
fn encrypt(file: u64) -> u64 {
    file
}

fn main() {
    let _ = Encrypt::new();
}
