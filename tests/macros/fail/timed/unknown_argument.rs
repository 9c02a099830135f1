use stage_core::timed;

#[timed(args(flie, 3))]
fn seal(file: u64) -> u64 {
    file
}

#[timed(args(flie, size))]
fn open(file: u64) -> u64 {
    file
}

fn main() {
    seal(open(1));
}
