#[stage_core::timed(unit = "ms")]
mod sealing {
    use stage_core::timed;

    #[timed(args(flie))]
    pub fn seal(file: u64) -> u64 {
        file
    }

    // Correct code stays correct.
    #[timed]
    pub fn open(file: u64) -> u64 {
        file
    }
}

fn main() {
    sealing::open(sealing::seal(1));
}
