use stage_core::producer;

#[producer(option)]
fn numbers(#[arg] state: &mut u64) {
    *state += 1;
}

fn main() {
    let _ = Numbers::new(1);
}
