use stage_core::producer_consumer;

#[producer_consumer(result)]
fn encrypt(file: u64) -> u64 {
    file
}

#[producer_consumer(result)]
fn decrypt(file: u64) -> Result<u64, Vec<u64>> {
    Err(vec![file])
}

fn main() {
    let _ = (Encrypt::new(), Decrypt::new());
}
