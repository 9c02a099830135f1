//! The text format: metric families, samples, and escaped labels (OpenMetrics 1.0).

use std::fmt::{self, Write};
use std::time::Duration;

/// The type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A count that only grows; its samples have the suffix `_total`.
    Counter,
    Gauge,
    /// Labels that describe something; its samples have the suffix `_info` and the value 1.
    Info,
    /// Cumulative counts by upper bound.
    Histogram,
}

/// A value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Count(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Real(time.as_secs_f64())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Real(real) => real.fmt(f),
        }
    }
}

/// Writes one metric family; its header precedes the first sample, and a family without samples is omitted.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
    kind: Kind,
    unit: Option<&'static str>,
    help: &'static str,
    begun: bool,
}

impl<'a> Family<'a> {
    pub(super) fn new(
        text: &'a mut String,
        name: &'static str,
        kind: Kind,
        unit: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        Self { text, name, kind, unit, help, begun: false }
    }

    /// Writes a sample; `labels` are escaped already.
    pub(super) fn sample(&mut self, labels: &str, value: impl Into<Value>) {
        self.sample_with(labels, None, value);
    }

    /// Writes a sample with another label, whose value needs no escape.
    pub(super) fn sample_with(
        &mut self,
        labels: &str,
        another: Option<(&str, &str)>,
        value: impl Into<Value>,
    ) {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.write(suffix, labels, another, value.into());
    }

    /// Writes a histogram: `buckets` are cumulative counts by upper bound, without the last one, which has all
    /// `count`.
    fn histogram(&mut self, labels: &str, buckets: &[(f64, u64)], count: u64, sum: Value) {
        for (bound, below) in buckets {
            let bound = format!("{bound:?}");
            self.write("_bucket", labels, Some(("le", &bound)), Value::Count(*below));
        }
        self.write("_bucket", labels, Some(("le", "+Inf")), Value::Count(count));
        self.write("_count", labels, None, Value::Count(count));
        self.write("_sum", labels, None, sum);
    }

    /// Writes a histogram of durations, with the bounds [`TIMES`].
    pub(super) fn times(&mut self, labels: &str, below: &[u64], count: u64, sum: Duration) {
        let bound = |power: &u32| Duration::from_nanos(1 << power).as_secs_f64();
        let buckets: Vec<_> = TIMES.iter().map(bound).zip(below.iter().copied()).collect();
        self.histogram(labels, &buckets, count, Value::from(sum));
    }

    /// Writes a histogram of batch sizes, with the bounds [`SIZES`].
    pub(super) fn sizes(&mut self, labels: &str, below: &[u64], count: u64, sum: u64) {
        // Fewer events than a power of two are at most one less than it.
        let bound = |power: &u32| f64::from((1_u32 << power) - 1);
        let buckets: Vec<_> = SIZES.iter().map(bound).zip(below.iter().copied()).collect();
        self.histogram(labels, &buckets, count, Value::from(sum));
    }

    fn write(&mut self, suffix: &str, labels: &str, another: Option<(&str, &str)>, value: Value) {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin();
        }
        let text = &mut *self.text;
        text.extend([self.name, suffix, "{", labels]);
        if let Some((name, value)) = another {
            text.extend([if labels.is_empty() { "" } else { "," }, name, "=\"", value, "\""]);
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "}} {value}");
    }

    fn begin(&mut self) {
        let Self { text, name, unit, help, .. } = self;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
            Kind::Histogram => "histogram",
        };
        text.extend(["# TYPE ", *name, " ", kind, "\n"]);
        if let Some(unit) = unit {
            text.extend(["# UNIT ", *name, " ", *unit, "\n"]);
        }
        text.extend(["# HELP ", *name, " ", *help, "\n"]);
    }
}

/// The bounds of durations, as powers of two nanoseconds: from 1 µs to 69 s, by factors of four.
pub(super) const TIMES: [u32; 14] = [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36];

/// The bounds of batch sizes, as powers of two: from 1 to 16,383 events, by factors of two.
pub(super) const SIZES: [u32; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];

/// Appends a label to `labels`, with its value escaped.
pub(super) fn label(labels: &mut String, name: &str, value: &str) {
    labels.extend([if labels.is_empty() { "" } else { "," }, name, "=\""]);
    for character in value.chars() {
        match character {
            '\\' => labels.push_str("\\\\"),
            '"' => labels.push_str("\\\""),
            '\n' => labels.push_str("\\n"),
            other => labels.push(other),
        }
    }
    labels.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped() {
        let mut labels = String::new();
        label(&mut labels, "pipeline", "a\"b\\c\nd é");
        label(&mut labels, "step", "");
        assert_eq!(labels, "pipeline=\"a\\\"b\\\\c\\nd é\",step=\"\"");
    }

    #[test]
    fn a_family_has_its_header_once_and_only_with_samples() {
        let mut text = String::new();
        let _unused = Family::new(&mut text, "stage_x", Kind::Gauge, None, "Help.");
        assert_eq!(text, "");
        let mut begun = Family::new(&mut text, "stage_x_seconds", Kind::Counter, Some("seconds"), "Help.");
        begun.sample("a=\"1\"", Duration::from_millis(1_500));
        begun.sample_with("a=\"2\"", Some(("b", "c")), 7);
        assert_eq!(
            text,
            "# TYPE stage_x_seconds counter\n# UNIT stage_x_seconds seconds\n# HELP stage_x_seconds Help.\n\
             stage_x_seconds_total{a=\"1\"} 1.5\nstage_x_seconds_total{a=\"2\",b=\"c\"} 7\n"
        );
    }
}
