use stage_core::{Context, Demand, Emitter, Events, StageResult, consumer};

struct Notifier;

#[consumer]
impl Notifier {
    async fn handle_events(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }

    async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        Ok(())
    }
}

fn main() {
    let _ = Notifier;
}
