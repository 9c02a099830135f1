use stage_core::producer_consumer;

#[producer_consumer]
fn encrypt<'a>(file: u64, #[arg] keys: std::slice::Iter<'a, u64>) -> u64 {
    file ^ keys.len() as u64
}

#[producer_consumer]
fn decrypt(file: u64, #[arg] keys: &[&u64]) -> u64 {
    file ^ keys.len() as u64
}

fn main() {}
