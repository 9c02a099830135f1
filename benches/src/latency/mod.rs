//! How long is an event on its way when nothing else is? One in flight, through three steps.
//!
//! The sink hands a ticket back, by a tokio channel for us and the peer alike, and only then the source emits the
//! next event. What is measured is from just before the source emits to the sink's callback: four hops. On two
//! workers and on one.

mod catalogue;
mod tokio_item;
mod us;

pub use catalogue::workloads;

use std::time::Duration;

/// Steps between the source and the sink.
const STEPS: usize = 3;

/// The time that `share` of the events took at most.
fn quantile(mut times: Vec<Duration>, share: f64) -> Duration {
    times.sort_unstable();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the length")]
    let place = (crate::workload::as_figure(times.len() as u64) * share) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_what_so_many_reach() {
        let times = || (1..=100).rev().map(Duration::from_micros).collect();
        assert_eq!(quantile(times(), 0.5), Duration::from_micros(51));
        assert_eq!(quantile(times(), 0.99), Duration::from_micros(100));
        assert_eq!(quantile(Vec::new(), 0.5), Duration::ZERO);
    }
}
