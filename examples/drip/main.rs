//! The program `drip`.
fn main() {}
