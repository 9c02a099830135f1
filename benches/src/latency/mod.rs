//! Latency of a single event in flight, through three steps.
//!
//! The sink hands a ticket back, by a tokio channel for both contenders, and only then the source emits the
//! next event. The latency is the time from just before the emission to the sink's callback: four hops. It is
//! measured on two workers and on one.

mod catalogue;
mod tokio_item;
mod us;

pub(crate) use catalogue::round_on;
pub use catalogue::workloads;

use std::time::Duration;

/// Number of steps between the source and the sink.
const STEPS: usize = 3;

/// Returns the time that `share` of the events took at most.
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
    fn a_quantile_is_reached_by_its_share_of_values() {
        let times = || (1..=100).rev().map(Duration::from_micros).collect();
        assert_eq!(quantile(times(), 0.5), Duration::from_micros(51));
        assert_eq!(quantile(times(), 0.99), Duration::from_micros(100));
        assert_eq!(quantile(Vec::new(), 0.5), Duration::ZERO);
    }
}
