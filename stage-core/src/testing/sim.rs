//! A runtime for tests in which a seed decides which stage runs next.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::runtime::Turns;
use crate::sync::Arc;

/// Runs stages, wired by hand or as a pipeline, in an order that only a seed decides, on a paused clock.
///
/// Whenever nothing else can go on, one stage of those that could run is chosen and polled once. The same seed makes
/// the same choices: a failure replays, as often as you like. Other seeds make others, so that a loop over seeds
/// finds the orders in which a stage of yours goes wrong. Some starve a stage for long.
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
/// # What the seed decides
///
/// The order of all stages that are spawned within [`run`](Self::run); their [`Placement`](crate::Placement) is not
/// heeded. The test's own future, supervisors and tasks that you spawn run at once when they are woken; a test takes
/// part in the order where it awaits [`turn`]. What comes from outside does not replay: threads, sockets,
/// `tokio::select!` without `biased`, hash maps with the standard library's random keys.
///
/// # Time
///
/// The clock stands still while any stage can run, and then moves to the next timer. So a test waits hours in no
/// time, and none needs a sleep. It does not wait for threads, other than those of `tokio::task::spawn_blocking`.
#[derive(Debug)]
pub struct Sim {
    seed: u64,
    limit: Duration,
    most_turns: usize,
    turns: Arc<Turns>,
}

impl Sim {
    /// The simulation that `seed` stands for.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, limit: Duration::from_hours(1), most_turns: 2_000_000, turns: Turns::seeded(seed) }
    }

    /// Gives the test so much time, on the simulated clock. Default: one hour.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Gives the stages so many turns: more, and they are taken to keep each other busy for ever. Default: 2,000,000.
    #[must_use]
    pub fn most_turns(mut self, turns: usize) -> Self {
        self.most_turns = turns;
        self
    }

    /// Runs a test to its end, and then drops every stage that is left.
    ///
    /// # Panics
    ///
    /// Within another runtime; as the test does, which prints the seed; if the test does not end in time, which it
    /// never does when it waits for something that cannot happen.
    pub fn run<F: Future>(&self, test: F) -> F::Output {
        let _tell = TellSeed(self.seed);
        let _entered = self.turns.enter();
        self.runtime().block_on(self.watched(test))
    }

    fn runtime(&self) -> Runtime {
        let turns = Arc::clone(&self.turns);
        let mut builder = Builder::new_current_thread();
        builder.enable_all().start_paused(true).on_thread_park(move || turns.give());
        builder.build().expect("a runtime of one thread can be built")
    }

    async fn watched<F: Future>(&self, test: F) -> F::Output {
        let (mut test, mut limit) = (pin!(test), pin!(sleep(self.limit)));
        poll_fn(|cx| {
            if let Poll::Ready(output) = test.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            assert!(limit.as_mut().poll(cx).is_pending(), "the test still waits after {:?}", self.limit);
            let over = self.turns.are_over(self.most_turns, cx.waker());
            assert!(!over, "the test still waits after {} turns", self.most_turns);
            Poll::Pending
        })
        .await
    }

    /// Which stage had each turn until now: stages count from 1 in the order in which they started, 0 is the test's
    /// own [`turn`].
    pub fn turns(&self) -> Vec<usize> {
        self.turns.given()
    }
}

/// Lets the seed decide how many turns the stages have before the test goes on: none, or a few. Outside of a
/// [`Sim`], only lets others run once.
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
///     // Nobody but the seed knows whether the ask, or the event, is through.
///     subscription.detach();
///     consumer.next_end().await;
///     assert!(consumer.events().len() <= 1);
///     Ok::<(), stage_core::SubscribeError>(())
/// })?;
/// # Ok::<(), stage_core::SubscribeError>(())
/// ```
pub async fn turn() {
    match Turns::current() {
        Some(turns) => turns.turn().await,
        None => tokio::task::yield_now().await,
    }
}

/// Names the seed if the test fails.
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
        let turns = Arc::downgrade(&sim.turns);
        sim.run(async {
            tokio::spawn(std::future::pending::<()>());
            turn().await;
            super::super::settle().await;
        });
        drop(sim);
        assert_eq!(turns.strong_count(), 0);
    }
}
