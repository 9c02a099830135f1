use stage_core::{Demand, Emitter, StageResult, producer};

struct Starter;

#[producer]
impl Starter {
    type Evnet = u64;

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(1);
        Ok(())
    }

    async fn handle_call(&mut self, message: u64, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(message);
        Ok(())
    }
}

fn main() {
    let _ = Starter;
}
