use stage_core::timed;

#[timed]
const fn seal(file: u64) -> u64 {
    file
}

fn main() {
    seal(1);
}
