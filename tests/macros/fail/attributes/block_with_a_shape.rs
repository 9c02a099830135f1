use stage_core::{Demand, Emitter, StageResult, producer};

struct Starter;

#[producer(batch, single, name = Other)]
impl Starter {
    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(1);
        Ok(())
    }
}

fn main() {
    let _ = Starter;
}
