use stage_core::producer;

#[producer(batch)]
fn numbers(demand: usize) -> Vec<u64> {
    vec![1; demand]
}

fn main() {
    let _ = Numbers::new();
}
