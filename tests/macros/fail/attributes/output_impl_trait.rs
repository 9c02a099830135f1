use stage_core::producer_consumer;
use std::fmt::Display;

#[producer_consumer]
fn show(file: u64) -> impl Display {
    file
}

#[producer_consumer(many)]
fn parts(file: u64) -> impl Iterator {
    0..file
}

fn main() {
    let _ = (Show::new(), Parts::new());
}
