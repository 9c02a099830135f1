use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(file: u64, #[arg] cipher: &impl Fn(u64) -> u64) -> u64 {
    cipher(file)
}

#[producer_consumer]
fn decrypt(file: u64, #[arg] cipher: &dyn Fn(u64) -> u64) -> u64 {
    cipher(file)
}

fn main() {}
