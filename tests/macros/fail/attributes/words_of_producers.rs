use stage_core::{consumer, producer};

#[producer(cancel_safe)]
fn numbers(#[arg] state: &mut u64) -> u64 {
    *state
}

#[consumer(single)]
fn notify(file: u64) {
    let _ = file;
}

fn main() {
    let _ = (Numbers::new(1), Notify::new());
}
