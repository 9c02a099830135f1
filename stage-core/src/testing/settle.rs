//! How a test waits until nothing moves any more, without sleeping.

use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics};

use crate::runtime::Turns;

/// How often in a row the workers have to be seen at rest, a millisecond apart.
const LOOKS: u32 = 4;

/// How long they have for that.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until no stage, and no other task of the runtime, can go on by itself: what did not arrive by then
/// does not arrive. In a [`Sim`](super::Sim), no time passes; a paused clock (`#[tokio::test(start_paused = true)]`) moves
/// on by one millisecond.
///
/// In a runtime of several threads, whose clock runs, it waits until all its workers are parked and nothing is queued for
/// them, for a few milliseconds in a row. What waits for a timer or for the outside world counts as waiting there, and
/// what runs on a blocking thread or on rayon's pool is not seen.
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
/// If the clock of a runtime of one thread runs: its only thread is the caller's, so nobody can know. In a runtime of
/// several threads, if they do not come to rest within a minute.
pub async fn settle() {
    if let Some(turns) = Turns::current() {
        return turns.idle().await;
    }
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
        return parked(runtime).await;
    }
    assert!(
        is_paused(),
        "settle() needs the runtime's clock paused: #[tokio::test(start_paused = true)] or tokio::time::pause()"
    );
    // The paused clock moves on only when every task waits.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits until the workers of `runtime` rest. It is watched from a blocking thread, so that the caller may be one of
/// their tasks.
async fn parked(runtime: Handle) {
    let watched = tokio::task::spawn_blocking(move || {
        let (metrics, begun) = (runtime.metrics(), Instant::now());
        let (mut before, mut same) = (None, 0);
        while same < LOOKS {
            let counts = parks(&metrics);
            same = if counts.is_some() && counts == before { same + 1 } else { 0 };
            before = counts;
            assert!(
                begun.elapsed() < PATIENCE,
                "settle() waited a minute, and the runtime's workers are still busy"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    if let Err(failed) = watched.await
        && failed.is_panic()
    {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// How often each worker parked and woke, if all are parked and nothing is queued for them.
fn parks(metrics: &RuntimeMetrics) -> Option<Vec<u64>> {
    if metrics.global_queue_depth() > 0 {
        return None;
    }
    let counts = (0..metrics.num_workers()).map(|worker| {
        let count = metrics.worker_park_unpark_count(worker);
        // It is odd while the worker is parked.
        (count % 2 == 1).then_some(count)
    });
    counts.collect()
}

/// Whether the runtime's clock stands still while the real one moves.
fn is_paused() -> bool {
    let (before, real) = (tokio::time::Instant::now(), Instant::now());
    while real.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    before == tokio::time::Instant::now()
}
