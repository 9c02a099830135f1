use stage_core::{Consumer, Context, Events, StageResult, consumer};

struct Notifier;

#[consumer]
impl Consumer for Notifier {
    type Event = u64;

    async fn handle_events(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}

fn main() {
    let _ = Notifier;
}
