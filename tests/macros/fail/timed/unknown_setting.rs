use stage_core::timed;

#[timed(units = "ms", colour = "red", unit, level(debug), name = 3, unit = "ms", unit = "us")]
fn seal(file: u64) -> u64 {
    file
}

fn main() {
    seal(1);
}
