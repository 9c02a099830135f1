use stage_core::timed;

#[timed(unit = "ms")]
mod sealing {
    pub fn seal(file: u64) -> u64 {
        file
    }
}

struct Sealer;

#[timed(name = "sealing")]
impl Sealer {
    fn seal(&self) {}
}

fn main() {
    sealing::seal(1);
    Sealer.seal();
}
