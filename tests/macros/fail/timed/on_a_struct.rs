use stage_core::timed;

#[timed]
struct Sealer;

trait Seal {
    #[timed]
    fn seal(&self) -> u64;
}

fn main() {
    let _ = Sealer;
}
