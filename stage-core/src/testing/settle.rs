//! Waits until all activity has ceased, without a sleep.

use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics};

use crate::runtime::SeededOrder;

/// How many consecutive times, one millisecond apart, the workers must be at rest.
const LOOKS: u32 = 4;

/// Timeout for the workers to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until no stage, and no other task of the runtime, can make progress by itself: events that have not
/// arrived by then will not arrive. In a [`Sim`](super::Sim), no time passes; a paused clock
/// (`#[tokio::test(start_paused = true)]`) advances by one millisecond.
///
/// In a multi-threaded runtime, whose clock runs, it waits until all workers are parked and their queues are
/// empty, for a few milliseconds in a row. Tasks that wait for a timer or for the outside world count as
/// waiting there, and work on blocking threads or on rayon's pool is not detected.
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
/// assert_eq!(consumer.events(), ['a', 'b'], "and not the one without demand");
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// Panics in a single-threaded runtime whose clock runs: its only thread is the caller's, so activity cannot
/// be observed. In a multi-threaded runtime, panics if the workers do not come to rest within a minute.
pub async fn settle() {
    if let Some(order) = SeededOrder::current() {
        return order.idle().await;
    }
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
        return parked(runtime).await;
    }
    assert!(
        is_paused(),
        "settle() needs the runtime's clock paused: #[tokio::test(start_paused = true)] or tokio::time::pause()"
    );
    // The paused clock advances only when every task waits.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits until the workers of `runtime` rest. A blocking thread watches them, so that the caller may itself
/// be one of their tasks.
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

/// Returns how often each worker parked and woke, if all are parked and nothing is queued for them.
fn parks(metrics: &RuntimeMetrics) -> Option<Vec<u64>> {
    if metrics.global_queue_depth() > 0 {
        return None;
    }
    let counts = (0..metrics.num_workers()).map(|worker| {
        let count = metrics.worker_park_unpark_count(worker);
        // The count is odd while the worker is parked.
        (count % 2 == 1).then_some(count)
    });
    counts.collect()
}

/// Returns whether the runtime's clock stands still while real time advances.
fn is_paused() -> bool {
    let (before, real) = (tokio::time::Instant::now(), Instant::now());
    while real.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    before == tokio::time::Instant::now()
}
