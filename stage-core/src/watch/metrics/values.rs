//! The statistics of a board as plain values, for exporters to other systems.

use super::families::{METRICS, QUEUE_JOBS, TIMED};
use super::text::{Family, MetricKind, MetricValue};
use super::write::{OpenMetrics, write_queues, write_timed};
use crate::watch::board::Board;

/// A metric family with its samples.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricFamily {
    /// The name, such as `stage_events_in`.
    pub name: &'static str,
    /// The type.
    pub kind: MetricKind,
    /// The unit, which is also the end of the name: `seconds` or `events`.
    pub unit: Option<&'static str>,
    /// One sentence that explains it.
    pub help: &'static str,
    /// The samples.
    pub samples: Vec<MetricSample>,
}

/// A sample of a metric family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricSample {
    /// The end of its name in text: `_total`, `_info`, `_bucket`, `_count`, `_sum`, or none.
    pub suffix: &'static str,
    /// The names and the values of its labels.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: MetricValue,
}

impl OpenMetrics {
    /// Returns all families with the samples that [`write`](Self::write) would write, those without samples
    /// included.
    ///
    /// ```
    /// use stage_core::watch::{Board, OpenMetrics};
    ///
    /// let families = OpenMetrics::new().families(&Board::new());
    /// assert!(families.iter().any(|family| family.name == "stage_events_in"));
    /// ```
    #[inline]
    pub fn families(&self, board: &Board) -> Vec<MetricFamily> {
        let views = self.views(board);
        let mut families = Vec::with_capacity(METRICS.len() + 2);
        for metric in METRICS.iter().chain([&QUEUE_JOBS, &TIMED]) {
            let mut samples = Vec::new();
            let mut family = Family::samples(metric, &mut samples);
            for view in &views {
                (metric.write)(view, &mut family);
            }
            match metric.name {
                name if name == QUEUE_JOBS.name => write_queues(board, &mut family),
                name if name == TIMED.name => write_timed(&mut family),
                _ => {}
            }
            let (name, kind, unit, help) = (metric.name, metric.kind, metric.unit, metric.help);
            families.push(MetricFamily { name, kind, unit, help, samples });
        }
        families
    }
}
