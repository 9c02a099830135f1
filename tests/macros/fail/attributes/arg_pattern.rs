use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt(file: u64, #[arg] (key, salt): (u64, u64)) -> u64 {
    file ^ key ^ salt
}

fn main() {}
