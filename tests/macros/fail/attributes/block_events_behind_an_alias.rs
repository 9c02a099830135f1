use stage_core::{Demand, Emitter, StageResult, producer};

struct Starter;

type Out<'a> = Emitter<'a, u64>;

#[producer]
impl Starter {
    async fn handle_demand(&mut self, _demand: Demand, out: &mut Out<'_>) -> StageResult {
        out.emit(1);
        Ok(())
    }
}

fn main() {
    let _ = Starter;
}
