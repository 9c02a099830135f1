use stage_core::producer_consumer;

#[producer_consumer(args(key: u64))]
fn encrypt(file: u64, #[arg] key: u64) -> u64 {
    file ^ key
}

fn main() {
    let _ = Encrypt::new(1);
}
