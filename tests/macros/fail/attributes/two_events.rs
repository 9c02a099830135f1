use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(file: u64, key: u64) -> u64 {
    file ^ key
}

fn main() {
    let _ = Encrypt::new();
}
