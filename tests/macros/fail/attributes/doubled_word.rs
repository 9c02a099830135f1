use stage_core::producer_consumer;

#[producer_consumer(many, result, many, name = Sealer, name = Other, result)]
fn encrypt(file: u64) -> Result<Vec<u64>, std::fmt::Error> {
    Ok(vec![file])
}

fn main() {
    let _ = Other::new();
}
