use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(#[arg] key: u64) -> u64 {
    key
}

fn main() {
    let _ = Encrypt::new(1);
}
