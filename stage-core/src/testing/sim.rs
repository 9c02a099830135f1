//! A test runtime in which a seed decides which stage runs next.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::runtime::SeededOrder;
use crate::sync::Arc;

/// Runs stages, wired by hand or as a pipeline, in an order determined by a seed, on a paused clock.
///
/// Whenever nothing else can make progress, one of the ready stages is chosen and polled once. The same seed
/// makes the same choices, so a failure can be replayed any number of times. Other seeds make other choices,
/// so a loop over seeds finds the orders in which a stage misbehaves. Some seeds starve a stage for a long
/// time.
///
/// ```
/// use stage_core::testing::{Probe, Sim};
/// use stage_core::{Pipeline, StepOptions};
///
/// for seed in 0..50 {
///     let events = Sim::seeded(seed).run(async {
///         let (probe, mut seen) = Probe::new();
///         let running = Pipeline::builder("numbers")
///             .start_fn("numbers", || Ok(0..100_u32))
///             .step_fn(StepOptions::named("next").count(3), |number| number + 1)
///             .finish(StepOptions::named("probe"), move || Ok(probe.clone()))
///             .start()
///             .await?;
///         running.join().await?;
///         Ok::<_, Box<dyn std::error::Error>>(seen.events())
///     })?;
///     // The order depends on the seed, the events do not.
///     assert_eq!(events.iter().sum::<u32>(), 5050, "seed {seed}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A seed whose order shows a fault can be examined:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
/// use stage_core::testing::Sim;
///
/// let order = |seed| {
///     let sim = Sim::seeded(seed).within(Duration::from_secs(10)).most_turns(1_000);
///     sim.run(async {
///         let pipeline = Pipeline::builder("numbers").start_fn("numbers", || Ok(0..9)).finish_fn("drop", drop);
///         pipeline.start().await.expect("it starts").join().await.expect("it ends");
///     });
///     sim.turns()
/// };
/// assert_eq!(order(7), order(7), "the stages had the same turns");
/// ```
///
/// # Scope of the seed
///
/// The seed determines the order of all stages spawned within [`run`](Self::run), regardless of their
/// [`Placement`](crate::Placement). The test's own future, supervisors and other spawned tasks run
/// immediately when woken; a test takes part in the order where it awaits [`turn`]. Outside influences are
/// not replayed: threads, sockets, `tokio::select!` without `biased`, hash maps with the standard library's
/// random keys.
///
/// # Time
///
/// The clock stands still while any stage can run, and then advances to the next timer. A test can therefore
/// wait for hours in no real time, and never needs a sleep. The runtime does not wait for threads, other than
/// those of `tokio::task::spawn_blocking`.
#[derive(Debug)]
pub struct Sim {
    seed: u64,
    limit: Duration,
    most_turns: usize,
    order: Arc<SeededOrder>,
}

impl Sim {
    /// Creates the simulation for `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            limit: Duration::from_secs(60 * 60),
            most_turns: 2_000_000,
            order: SeededOrder::seeded(seed),
        }
    }

    /// Sets the time limit of the test on the simulated clock. Default: one hour.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the maximum number of turns; beyond it, the stages are considered to keep each other busy
    /// forever. Default: 2,000,000.
    #[must_use]
    pub fn most_turns(mut self, turns: usize) -> Self {
        self.most_turns = turns;
        self
    }

    /// Runs a test to its end, then drops all remaining stages.
    ///
    /// # Panics
    ///
    /// Panics within another runtime; if the test panics, which also prints the seed; and if the test does
    /// not end in time, for example because it waits for something that cannot happen.
    pub fn run<F: Future>(&self, test: F) -> F::Output {
        let _tell = TellSeed(self.seed);
        let _entered = self.order.enter();
        self.runtime().block_on(self.watched(test))
    }

    fn runtime(&self) -> Runtime {
        let order = Arc::clone(&self.order);
        let mut builder = Builder::new_current_thread();
        builder.enable_all().start_paused(true).on_thread_park(move || order.give());
        builder.build().expect("a runtime of one thread can be built")
    }

    async fn watched<F: Future>(&self, test: F) -> F::Output {
        let (mut test, mut limit) = (pin!(test), pin!(sleep(self.limit)));
        poll_fn(|cx| {
            if let Poll::Ready(output) = test.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            assert!(limit.as_mut().poll(cx).is_pending(), "the test still waits after {:?}", self.limit);
            let over = self.order.are_over(self.most_turns, cx.waker());
            assert!(!over, "the test still waits after {} turns", self.most_turns);
            Poll::Pending
        })
        .await
    }

    /// Returns which stage had each turn so far: stages are numbered from 1 in the order in which they
    /// started; 0 is the test's own [`turn`].
    pub fn turns(&self) -> Vec<usize> {
        self.order.given()
    }
}

/// Lets the seed decide how many turns the stages get before the test continues: none, or a few. Outside of a
/// [`Sim`], yields once.
///
/// ```
/// use stage_core::SubscribeOptions;
/// use stage_core::spawn::StageOptions;
/// use stage_core::testing::{ManualConsumer, ManualProducer, Sim, turn};
///
/// Sim::seeded(7).run(async {
///     let source = ManualProducer::spawn(StageOptions::named("source")).await;
///     let mut consumer = ManualConsumer::spawn("consumer").await;
///     let subscription = consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
///     consumer.ask(1);
///     turn().await;
///     source.emit(["event"]);
///     turn().await;
///     // Whether the ask, or the event, has arrived depends on the seed.
///     subscription.detach();
///     consumer.next_end().await;
///     assert!(consumer.events().len() <= 1);
///     Ok::<(), stage_core::subscribe::SubscribeError>(())
/// })?;
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
pub async fn turn() {
    match SeededOrder::current() {
        Some(order) => order.turn().await,
        None => tokio::task::yield_now().await,
    }
}

/// Prints the seed if the test fails.
struct TellSeed(u64);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was Sim::seeded({})", self.0);
        }
    }
}

impl fmt::Display for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sim::seeded({})", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_leaves_no_runtime_behind() {
        let sim = Sim::seeded(1);
        let order = Arc::downgrade(&sim.order);
        sim.run(async {
            tokio::spawn(std::future::pending::<()>());
            turn().await;
            super::super::settle().await;
        });
        drop(sim);
        assert_eq!(order.strong_count(), 0);
    }
}
