use stage_core::producer;

struct Starter;

#[producer]
impl Starter {
    fn prepare_state() -> Self {
        Self
    }
}

fn main() {
    let _ = Starter::new();
}
