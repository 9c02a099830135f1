//! Computes the demand window of a per-event subscription: `max_demand` events in hand, refilled at the
//! floor.

use crate::credit::demand::Window;

/// A floor so high that demand would never be renewed.
///
/// ```
/// use stage_core::per_event::{FloorError, PerEvent};
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::testing::ManualProducer;
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// let workers = PerEvent::new(|_| async {}).floor(10);
/// let workers = consumer(workers, StageOptions::named("workers")).await?;
/// workers.subscribe(&source.producer(), SubscribeOptions::new().max_demand(10)).await.ok();
/// let ExitReason::Error(error) = workers.ended().await else { panic!("it runs") };
/// assert_eq!(error.downcast_ref(), Some(&FloorError { floor: 10, max_demand: 10 }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("floor must be between 0 and {} (max_demand - 1), got {floor}", max_demand - 1)]
pub struct FloorError {
    /// The invalid floor.
    pub floor: usize,
    /// The `max_demand` of the subscription; the floor must be lower.
    pub max_demand: usize,
}

/// Returns a window of at most `max` events in hand, refilled when `floor` are left; without a floor, after
/// every end.
pub(super) fn window(max: usize, floor: Option<usize>) -> Result<Window, FloorError> {
    let floor = floor.unwrap_or(max.saturating_sub(1));
    Window::new(max, floor).map_err(|_| FloorError { floor, max_demand: max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::demand::{Credit, Demand};

    /// Returns the demand that follows each of `ends` single ends, with `max` events in hand at first.
    fn asks(max: usize, floor: Option<usize>, ends: usize) -> Vec<usize> {
        let window = window(max, floor).unwrap();
        let (mut credit, first) = Credit::open(window);
        assert_eq!(first.get(), max);
        (0..ends).map(|_| credit.settle_by(window, 1).map_or(0, Demand::get)).collect()
    }

    #[test]
    fn without_a_floor_every_end_is_asked_for_again() {
        assert_eq!(asks(10, None, 4), [1, 1, 1, 1]);
        assert_eq!(asks(1, None, 2), [1, 1]);
    }

    #[test]
    fn with_a_floor_the_number_falls_to_it_and_is_refilled() {
        assert_eq!(asks(10, Some(8), 4), [0, 2, 0, 2]);
        assert_eq!(asks(10, Some(5), 10), [0, 0, 0, 0, 5, 0, 0, 0, 0, 5]);
        assert_eq!(asks(3, Some(0), 3), [0, 0, 3]);
    }

    #[test]
    fn a_floor_that_is_not_below_the_maximum_is_refused() {
        let error = window(10, Some(10)).unwrap_err();
        assert_eq!(error.to_string(), "floor must be between 0 and 9 (max_demand - 1), got 10");
    }

    #[test]
    fn another_maximum_takes_hold_at_the_next_end() {
        let (mut credit, _) = Credit::open(window(10, None).unwrap());
        let mut end = |events, max| credit.settle_by(window(max, None).unwrap(), events).map(Demand::get);
        assert_eq!(end(1, 4), None);
        assert_eq!(end(6, 4), Some(1));
        assert_eq!(end(1, 20), Some(17));
    }
}
