//! Writes the statistics of a board in the text format of OpenMetrics 1.0.

use super::families::{METRICS, QUEUE_JOBS, TIMED};
use super::labels::label;
use super::text::{Family, TIMES};
use super::view::{Detail, View};
use crate::timed::{self, Histogram};
use crate::watch::board::Board;

/// The content type of [`openmetrics`] in an HTTP response.
pub const OPENMETRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the statistics of all pipelines of a board as OpenMetrics text, with one sample for each step.
///
/// Pipelines that have ended are included, with `stage_up` 0, until they are removed from the board.
/// [`OpenMetrics`] has options.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::watch::{Board, openmetrics};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = Pipeline::builder("count")
///     .start_fn("numbers", || Ok(0..100))
///     .finish_fn("sink", |_| ())
///     .start()
///     .await?;
/// let board = Board::new();
/// board.add("count", &running)?;
/// running.join().await?;
/// let mut text = String::new();
/// openmetrics(&board, &mut text);
/// assert!(text.contains("stage_events_in_total{pipeline=\"count\",step=\"sink\"} 100\n"));
/// assert!(text.ends_with("# EOF\n"));
/// # Ok(())
/// # }
/// ```
#[inline]
pub fn openmetrics(board: &Board, text: &mut String) {
    OpenMetrics::new().write(board, text);
}

/// Writes the statistics of a board as OpenMetrics text, with options.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct OpenMetrics {
    detail: Detail,
}

impl OpenMetrics {
    /// Creates the options of [`openmetrics`].
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes one sample for each copy of a step, with the label `copy`. Default: one for each step, since a
    /// metrics server stores each combination of labels separately.
    #[inline]
    pub fn per_copy(mut self) -> Self {
        self.detail = Detail::Copies;
        self
    }

    /// Appends the text. A snapshot of each pipeline is taken, which costs the pipelines nothing.
    #[inline]
    pub fn write(&self, board: &Board, text: &mut String) {
        let views = self.views(board);
        for metric in METRICS {
            let mut family = Family::text(metric, text);
            for view in &views {
                (metric.write)(view, &mut family);
            }
        }
        write_queues(board, &mut Family::text(&QUEUE_JOBS, text));
        write_timed(&mut Family::text(&TIMED, text));
        text.push_str("# EOF\n");
    }

    #[inline]
    pub(super) fn views(self, board: &Board) -> Vec<View> {
        board.entries().iter().map(|entry| View::of(entry, self.detail)).collect()
    }
}

/// Writes the numbers of jobs in all queues.
#[inline]
pub(super) fn write_queues(board: &Board, family: &mut Family<'_>) {
    for (name, counts) in board.queues() {
        let mut labels = String::new();
        label(&mut labels, "queue", &name);
        for (state, jobs) in [
            ("ready", counts.ready),
            ("leased", counts.leased),
            ("blocked", counts.blocked),
            ("dead", counts.dead),
        ] {
            family.sample_with(&labels, Some(("state", state)), jobs);
        }
    }
}

/// Writes the histograms of all functions with `#[timed]`.
#[inline]
pub(super) fn write_timed(family: &mut Family<'_>) {
    let mut functions: Vec<(&str, &Histogram)> = Vec::new();
    for (name, histogram) in timed::histograms() {
        // If several functions share a name, the first one measured has it.
        if let Err(index) = functions.binary_search_by(|(known, _)| (*known).cmp(name)) {
            functions.insert(index, (name, histogram));
        }
    }
    for (name, histogram) in functions {
        let mut labels = String::new();
        label(&mut labels, "function", name);
        let (below, count, sum) = histogram.below(&TIMES);
        family.times(&labels, &below, count, sum);
    }
}
