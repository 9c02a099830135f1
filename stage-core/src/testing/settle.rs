//! How a test waits until nothing moves any more, without sleeping.

use std::time::{Duration, Instant};

use crate::supervise::Turns;

/// Waits until no stage, and no other task of the runtime, can go on by itself: what did not arrive by then
/// does not arrive. In a [`Sim`](super::Sim), no time passes; elsewhere this needs a paused clock
/// (`#[tokio::test(start_paused = true)]`), which moves on by one millisecond.
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::testing::{ManualConsumer, ManualProducer, settle};
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let source = ManualProducer::spawn(StageOptions::named("source")).await;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// source.emit(['a', 'b', 'c']);
/// consumer.ask(2);
/// settle().await;
/// assert_eq!(consumer.events(), ['a', 'b'], "and not the one nobody asked for");
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// If the clock runs: then nobody can know.
pub async fn settle() {
    if let Some(turns) = Turns::current() {
        return turns.idle().await;
    }
    assert!(
        is_paused(),
        "settle() needs the runtime's clock paused: #[tokio::test(start_paused = true)] or tokio::time::pause()"
    );
    // The paused clock moves on only when every task waits.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Whether the runtime's clock stands still while the real one moves.
fn is_paused() -> bool {
    let (before, real) = (tokio::time::Instant::now(), Instant::now());
    while real.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    before == tokio::time::Instant::now()
}
