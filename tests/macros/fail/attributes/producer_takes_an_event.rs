use stage_core::{Demand, producer};

#[producer]
fn numbers(state: &mut u64) -> u64 {
    *state
}

#[producer(batch)]
fn more_numbers(demand: Demand, state: &mut u64) -> Vec<u64> {
    vec![*state; demand.get()]
}

fn main() {
    let _ = (Numbers::new(), MoreNumbers::new());
}
