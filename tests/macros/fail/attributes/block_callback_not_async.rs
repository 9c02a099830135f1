use stage_core::{Context, Events, StageResult, consumer};

struct Notifier;

#[consumer]
impl Notifier {
    pub fn handle_events(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}

fn main() {
    let _ = Notifier;
}
