use stage_core::producer_consumer;

struct Key(u64);

#[producer_consumer]
fn encrypt(file: u64, #[arg] key: Key) -> u64 {
    file ^ key.0
}

fn main() {
    let _ = Encrypt::new(Key(1));
}
