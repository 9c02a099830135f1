//! Lets windows be tuned while time is paused.

use std::marker::PhantomData;

use crate::base::moment;

/// Lets [tuned](crate::Tuning) windows follow the paused clock, for subscriptions made on this thread until it is
/// dropped.
///
/// Windows otherwise stay at their first size, 16 and 8, while time is paused: the order of events in a test or a
/// simulation then does not depend on the tuner. With this guard, the time that callbacks sleep counts, and all
/// other time is zero.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::testing::TuneByPausedTime;
/// use stage_core::{BoxError, Pipeline, StepOptions, Tuning, sink};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let _guard = TuneByPausedTime::begin();
/// let running = Pipeline::builder("slow")
///     .start_fn("numbers", || Ok(0..100_u32))
///     .finish(StepOptions::named("store").demand(Tuning::Auto), || {
///         Ok(sink::for_each_async(|_: u32| async {
///             tokio::time::sleep(Duration::from_millis(20)).await;
///             Ok::<_, BoxError>(())
///         }))
///     })
///     .start()
///     .await?;
/// tokio::time::sleep(Duration::from_secs(1)).await;
/// // A slow stage asks for little.
/// assert_eq!(running.monitor().status().steps[1].max_demand, Some(2));
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "windows are tuned until it is dropped"]
pub struct TuneByPausedTime {
    /// It acts on one thread.
    not_send: PhantomData<*const ()>,
}

impl TuneByPausedTime {
    /// Begins to tune by the paused clock.
    pub fn begin() -> Self {
        moment::count_paused(true);
        Self { not_send: PhantomData }
    }
}

impl Drop for TuneByPausedTime {
    fn drop(&mut self) {
        moment::count_paused(false);
    }
}
