//! Hands the samples to the recorder of the `metrics` facade.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, with_recorder};
use stage_core::watch::{Board, MetricFamily, MetricKind, MetricSample, MetricValue, OpenMetrics};

/// The origin of the metrics, for recorders that filter by it.
const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Hands the numbers of all pipelines to the recorder that is installed, once. An exporter with a hook before each
/// scrape calls it there; [`MetricsBridge`](crate::MetricsBridge) calls it at an interval.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::watch::Board;
/// use stage_metrics::publish;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = Pipeline::builder("upload")
///     .start_fn("files", || Ok(0..100_u64))
///     .finish_fn("store", |_| ())
///     .start()
///     .await?;
/// let board = Board::new();
/// board.add("upload", &running)?;
///
/// // In the hook of the exporter.
/// publish(&board);
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
pub fn publish(board: &Board) {
    let families = OpenMetrics::new().families(board);
    with_recorder(|recorder| {
        for family in &families {
            family.samples.iter().for_each(|sample| record(family, sample, recorder));
        }
    });
}

fn record(family: &MetricFamily, sample: &MetricSample, recorder: &dyn Recorder) {
    let MetricFamily { name, kind, help, .. } = *family;
    let name = SharedString::from(format!("{name}{}", sample.suffix));
    let labels: Vec<_> =
        sample.labels.iter().map(|(name, value)| Label::new(name.clone(), value.clone())).collect();
    let key = Key::from_parts(name.clone(), labels);
    let is_count = kind == MetricKind::Counter || (kind == MetricKind::Histogram && sample.suffix != "_sum");
    let (described, unit) = (KeyName::from(name), unit(family.unit));
    let help = SharedString::const_str(help);
    match (is_count, sample.value) {
        (true, MetricValue::Count(count)) => {
            recorder.describe_counter(described, unit, help);
            recorder.register_counter(&key, &METADATA).absolute(count);
        }
        (_, value) => {
            recorder.describe_gauge(described, unit, help);
            recorder.register_gauge(&key, &METADATA).set(value.as_f64());
        }
    }
}

fn unit(name: Option<&str>) -> Option<Unit> {
    match name {
        Some("seconds") => Some(Unit::Seconds),
        Some("events") => Some(Unit::Count),
        _ => None,
    }
}
