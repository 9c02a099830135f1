use stage_core::{Context, Events, StageResult, consumer};

struct Notifier;

#[consumer]
impl Notifier {
    async fn handle_event(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}

fn main() {
    let _ = Notifier;
}
