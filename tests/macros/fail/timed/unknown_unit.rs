use stage_core::timed;

#[timed(unit = "msecs", level = "loud")]
fn seal(file: u64) -> u64 {
    file
}

fn main() {
    seal(1);
}
