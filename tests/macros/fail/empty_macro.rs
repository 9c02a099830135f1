stage_core::pipeline! {}

fn main() {}
