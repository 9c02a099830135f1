use stage_core::producer_consumer;

#[producer_consumer(name = "Sealer")]
fn encrypt(file: u64) -> u64 {
    file
}

#[producer_consumer(name: Opener)]
fn decrypt(file: u64) -> u64 {
    file
}

fn main() {
    let _ = (Encrypt::new(), Decrypt::new());
}
