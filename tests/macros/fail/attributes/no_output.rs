use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(file: u64) {
    let _ = file;
}

fn main() {
    let _ = Encrypt::new();
}
