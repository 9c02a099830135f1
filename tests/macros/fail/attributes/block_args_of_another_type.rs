use stage_core::{Demand, Emitter, StageResult, producer};

struct Starter {
    next: u64,
}

#[producer(args(first: String))]
impl Starter {
    fn prepare_state(first: u64) -> Self {
        Self { next: first }
    }

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(self.next);
        Ok(())
    }
}

fn main() {
    let _ = Starter::new(String::new());
}
