//! Makes the numbers of a board observable instruments.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use stage_core::watch::{Board, MetricFamily, MetricKind, MetricSample, OpenMetrics};

use crate::names::NAMES;
use crate::reading::Reading;

/// Makes the numbers of all pipelines on a board observable instruments of `meter`. They are read when a reader
/// collects, at most once within 100 ms, so the pipelines pay nothing for them. To be called once for each board
/// and meter: the instruments stay as long as the meter's provider.
///
/// Names follow OpenTelemetry's conventions, such as `stage.events.in` with the unit `{event}` and
/// `stage.state.time` with the unit `s`; attributes are the labels of
/// [`openmetrics`](stage_core::watch::openmetrics), such as `pipeline` and `step`. The histograms are kept by the
/// pipelines, and OpenTelemetry has no observable histograms: each is three counters, with the ends `.bucket`
/// (attribute `le`), `.count` and `.sum`.
///
/// ```
/// use opentelemetry::metrics::MeterProvider;
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use stage_core::watch::Board;
///
/// // With a `PeriodicReader` and the exporter of `opentelemetry-otlp`.
/// let provider = SdkMeterProvider::builder().build();
/// let board = Board::new();
/// stage_otel::observe(&board, &provider.meter("stage-core"));
/// ```
pub fn observe(board: &Board, meter: &Meter) {
    let reading = Arc::new(Reading::of(board.clone()));
    for (place, family) in OpenMetrics::new().families(&Board::new()).into_iter().enumerate() {
        let Some((_, name, unit)) = NAMES.iter().find(|(text, ..)| *text == family.name) else { continue };
        let help = family.help;
        let source = |suffix| Source { reading: Arc::clone(&reading), place, suffix };
        let whole = |name: String, unit: &'static str, source: Source| {
            meter
                .u64_observable_counter(name)
                .with_unit(unit)
                .with_description(help)
                .with_callback(move |instrument| {
                    source.each(|sample, labels| instrument.observe(count(sample), labels));
                })
                .build();
        };
        let real = |name: String, source: Source| {
            meter
                .f64_observable_counter(name)
                .with_unit(*unit)
                .with_description(help)
                .with_callback(move |instrument| {
                    source.each(|sample, labels| instrument.observe(sample.value.as_f64(), labels));
                })
                .build();
        };
        match (family.kind, *unit) {
            (MetricKind::Counter, "s") => real((*name).to_owned(), source("_total")),
            (MetricKind::Counter, unit) => whole((*name).to_owned(), unit, source("_total")),
            (MetricKind::Histogram, _) => {
                whole(format!("{name}.bucket"), "1", source("_bucket"));
                whole(format!("{name}.count"), "1", source("_count"));
                real(format!("{name}.sum"), source("_sum"));
            }
            _ => {
                let source = source(if family.kind == MetricKind::Info { "_info" } else { "" });
                meter
                    .f64_observable_gauge(*name)
                    .with_unit(*unit)
                    .with_description(help)
                    .with_callback(move |instrument| {
                        source.each(|sample, labels| instrument.observe(sample.value.as_f64(), labels));
                    })
                    .build();
            }
        }
    }
}

/// The samples of one instrument.
struct Source {
    reading: Arc<Reading>,
    /// The place of the family.
    place: usize,
    suffix: &'static str,
}

impl Source {
    fn each(&self, mut observe: impl FnMut(&MetricSample, &[KeyValue])) {
        let families = self.reading.families();
        let samples = families.get(self.place).map_or(&[][..], |MetricFamily { samples, .. }| samples);
        for sample in samples.iter().filter(|sample| sample.suffix == self.suffix) {
            let labels: Vec<_> = sample
                .labels
                .iter()
                .map(|(name, value)| KeyValue::new(name.clone(), value.clone()))
                .collect();
            observe(sample, &labels);
        }
    }
}

/// Returns a whole number; a time is cut to seconds.
fn count(sample: &MetricSample) -> u64 {
    match sample.value {
        stage_core::watch::MetricValue::Count(count) => count,
        stage_core::watch::MetricValue::Time(time) => time.as_secs(),
        _ => 0,
    }
}
