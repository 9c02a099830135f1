use stage_core::producer_consumer;

#[producer_consumer(bacth)]
fn encrypt(files: Vec<u64>) -> Vec<u64> {
    files
}

fn main() {
    let _ = Encrypt::new();
}
