use stage_core::producer_consumer;

#[producer_consumer]
const fn encrypt(file: u64) -> u64 {
    file
}

#[producer_consumer]
unsafe fn decrypt(file: u64) -> u64 {
    file
}

#[producer_consumer]
extern "C" fn sign(file: u64) -> u64 {
    file
}

fn main() {
    let _ = (Encrypt::new(), Decrypt::new(), Sign::new());
}
