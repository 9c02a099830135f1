//! The text format: metric families, samples, and escaped labels (OpenMetrics 1.0).

use std::fmt::{self, Write};

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

impl From<std::time::Duration> for Value {
    fn from(time: std::time::Duration) -> Self {
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
    pub(super) fn histogram(&mut self, labels: &str, buckets: &[(f64, u64)], count: u64, sum: f64) {
        for (bound, below) in buckets {
            let bound = format!("{bound:?}");
            self.write("_bucket", labels, Some(("le", &bound)), Value::Count(*below));
        }
        self.write("_bucket", labels, Some(("le", "+Inf")), Value::Count(count));
        self.write("_count", labels, None, Value::Count(count));
        self.write("_sum", labels, None, Value::Real(sum));
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
        drop(Family::new(&mut text, "stage_x", Kind::Gauge, None, "Help."));
        assert_eq!(text, "");
        let mut begun = Family::new(&mut text, "stage_x_seconds", Kind::Counter, Some("seconds"), "Help.");
        begun.sample("a=\"1\"", std::time::Duration::from_millis(1_500));
        begun.sample_with("a=\"2\"", Some(("b", "c")), 7);
        assert_eq!(
            text,
            "# TYPE stage_x_seconds counter\n# UNIT stage_x_seconds seconds\n# HELP stage_x_seconds Help.\n\
             stage_x_seconds_total{a=\"1\"} 1.5\nstage_x_seconds_total{a=\"2\",b=\"c\"} 7\n"
        );
    }
}
