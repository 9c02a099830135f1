//! Hands the samples to the recorder of the `metrics` facade.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, with_recorder};
use stage_core::watch::{Board, openmetrics};

use crate::read::{Family, Line, Sample, lines};

/// The origin of the metrics, for recorders that filter by it.
const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Hands the numbers of all pipelines to the recorder that is installed, once. An exporter with a hook before each
/// scrape calls it there; [`MetricsBridge`](crate::MetricsBridge) calls it at an interval.
pub fn publish(board: &Board) {
    let mut text = String::new();
    openmetrics(board, &mut text);
    with_recorder(|recorder| hand_over(&text, recorder));
}

fn hand_over(text: &str, recorder: &dyn Recorder) {
    let mut family = Family::default();
    for line in lines(text) {
        match line {
            Line::Family(next) => family = next,
            Line::Sample(sample) => record(&family, sample, recorder),
        }
    }
}

fn record(family: &Family<'_>, sample: Sample<'_>, recorder: &dyn Recorder) {
    let name = SharedString::from(sample.name.to_owned());
    let labels: Vec<_> =
        sample.labels.into_iter().map(|(name, value)| Label::new(name.to_owned(), value)).collect();
    let key = Key::from_parts(name.clone(), labels);
    let is_count = family.kind == "counter" || (family.kind == "histogram" && !sample.name.ends_with("_sum"));
    let (described, unit) = (KeyName::from(name), unit(family.unit));
    let help = SharedString::from(family.help.to_owned());
    match (is_count, sample.value.parse::<u64>()) {
        // Counts of seconds are not whole, now or later.
        (true, Ok(count)) if family.unit != Some("seconds") || family.kind == "histogram" => {
            recorder.describe_counter(described, unit, help);
            recorder.register_counter(&key, &METADATA).absolute(count);
        }
        _ => {
            if let Ok(value) = sample.value.parse::<f64>() {
                recorder.describe_gauge(described, unit, help);
                recorder.register_gauge(&key, &METADATA).set(value);
            }
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
