use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(file: u64, #[args] key: u64, #[arg(lent)] salt: &u64) -> u64 {
    file ^ key ^ salt
}

fn main() {
    let _ = Encrypt::new(1, 2);
}
