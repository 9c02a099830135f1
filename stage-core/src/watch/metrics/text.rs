//! The text format: metric families and samples (OpenMetrics 1.0).

use std::time::Duration;

use super::families::Metric;
use super::labels::label_pairs;
use super::values::MetricSample;

/// The type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// A count that only grows; the names of its samples in text have the suffix `_total`.
    Counter,
    /// A value that rises and falls.
    Gauge,
    /// Labels that describe something; its samples in text have the suffix `_info` and the value 1.
    Info,
    /// Cumulative counts by upper bound, the number of all values, and their sum.
    Histogram,
}

/// A value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricValue {
    /// A whole number.
    Count(u64),
    /// A time, in seconds.
    Time(Duration),
}

impl From<u64> for MetricValue {
    #[inline]
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for MetricValue {
    #[inline]
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl MetricValue {
    /// Returns the number, of a time the seconds.
    #[allow(clippy::cast_precision_loss, reason = "a value to show needs no more than 52 bits")]
    #[inline]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Time(time) => time.as_secs_f64(),
        }
    }

    /// Appends the value. Tens of thousands of numbers make up most of a scrape, and the formatting machinery of
    /// the standard library takes several times as long for each.
    #[inline]
    fn write(self, text: &mut String) {
        match self {
            Self::Count(count) => write_number(text, count),
            Self::Time(time) => {
                write_number(text, time.as_secs());
                if time.subsec_nanos() > 0 {
                    let mut digits = [b'0'; 10];
                    let mut rest = time.subsec_nanos();
                    for digit in digits[1..].iter_mut().rev() {
                        *digit = digit_of(u64::from(rest));
                        rest /= 10;
                    }
                    digits[0] = b'.';
                    let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
                    text.push_str(str::from_utf8(&digits[..end]).unwrap_or_default());
                }
            }
        }
    }
}

/// Returns the last decimal digit.
#[allow(clippy::cast_possible_truncation, reason = "a digit fits")]
#[inline]
const fn digit_of(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[inline]
fn write_number(text: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = digit_of(number);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.push_str(str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// Takes the samples of one metric family.
pub(super) struct Family<'a> {
    out: Out<'a>,
    name: &'static str,
    kind: MetricKind,
    unit: Option<&'static str>,
    help: &'static str,
}

/// Where the samples go.
enum Out<'a> {
    /// Into a text; the header precedes the first sample, and a family without samples is omitted.
    Text {
        text: &'a mut String,
        begun: bool,
    },
    Samples(&'a mut Vec<MetricSample>),
}

impl<'a> Family<'a> {
    #[inline]
    pub(super) fn text(metric: &Metric, text: &'a mut String) -> Self {
        Self::new(metric, Out::Text { text, begun: false })
    }

    #[inline]
    pub(super) fn samples(metric: &Metric, samples: &'a mut Vec<MetricSample>) -> Self {
        Self::new(metric, Out::Samples(samples))
    }

    #[inline]
    fn new(metric: &Metric, out: Out<'a>) -> Self {
        let Metric { name, kind, unit, help, .. } = *metric;
        Self { out, name, kind, unit, help }
    }

    /// Adds a sample; `labels` are escaped already.
    pub(super) fn sample(&mut self, labels: &str, value: impl Into<MetricValue>) {
        self.sample_with(labels, None, value);
    }

    /// Adds a sample with another label, whose value needs no escape.
    pub(super) fn sample_with(
        &mut self,
        labels: &str,
        another: Option<(&'static str, &str)>,
        value: impl Into<MetricValue>,
    ) {
        let suffix = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Info => "_info",
            MetricKind::Gauge | MetricKind::Histogram => "",
        };
        self.write(suffix, labels, another, value.into());
    }

    /// Adds a histogram: `buckets` are cumulative counts by upper bound, without the last one, which has all
    /// `count`.
    #[inline]
    fn histogram(&mut self, labels: &str, buckets: &[(f64, u64)], count: u64, sum: MetricValue) {
        for (bound, below) in buckets {
            let bound = format!("{bound:?}");
            self.write("_bucket", labels, Some(("le", &bound)), MetricValue::Count(*below));
        }
        self.write("_bucket", labels, Some(("le", "+Inf")), MetricValue::Count(count));
        self.write("_count", labels, None, MetricValue::Count(count));
        self.write("_sum", labels, None, sum);
    }

    /// Adds a histogram of durations, with the bounds [`TIMES`].
    #[inline]
    pub(super) fn times(&mut self, labels: &str, below: &[u64], count: u64, sum: Duration) {
        let bound = |power: &u32| Duration::from_nanos(1 << power).as_secs_f64();
        let buckets: Vec<_> = TIMES.iter().map(bound).zip(below.iter().copied()).collect();
        self.histogram(labels, &buckets, count, MetricValue::from(sum));
    }

    /// Adds a histogram of batch sizes, with the bounds [`SIZES`].
    #[inline]
    pub(super) fn sizes(&mut self, labels: &str, below: &[u64], count: u64, sum: u64) {
        // Fewer events than a power of two are at most one less than it.
        let bound = |power: &u32| f64::from((1_u32 << power) - 1);
        let buckets: Vec<_> = SIZES.iter().map(bound).zip(below.iter().copied()).collect();
        self.histogram(labels, &buckets, count, MetricValue::from(sum));
    }

    #[inline]
    fn write(
        &mut self,
        suffix: &'static str,
        labels: &str,
        another: Option<(&'static str, &str)>,
        value: MetricValue,
    ) {
        let Self { name, kind, unit, help, .. } = *self;
        match &mut self.out {
            Out::Text { text, begun } => {
                if !std::mem::replace(begun, true) {
                    begin(text, name, kind, unit, help);
                }
                for part in [name, suffix, "{", labels] {
                    text.push_str(part);
                }
                if let Some((name, value)) = another {
                    for part in [if labels.is_empty() { "" } else { "," }, name, "=\"", value, "\""] {
                        text.push_str(part);
                    }
                }
                text.push_str("} ");
                value.write(text);
                text.push('\n');
            }
            Out::Samples(samples) => {
                let another = another.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let labels = label_pairs(labels).into_iter().chain(another).collect();
                samples.push(MetricSample { suffix, labels, value });
            }
        }
    }
}

#[inline]
fn begin(text: &mut String, name: &str, kind: MetricKind, unit: Option<&str>, help: &str) {
    let kind = match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Info => "info",
        MetricKind::Histogram => "histogram",
    };
    text.extend(["# TYPE ", name, " ", kind, "\n"]);
    if let Some(unit) = unit {
        text.extend(["# UNIT ", name, " ", unit, "\n"]);
    }
    text.extend(["# HELP ", name, " ", help, "\n"]);
}

/// The bounds of durations, as powers of two nanoseconds: from 1 µs to 69 s, by factors of four.
pub(super) const TIMES: [u32; 14] = [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36];

/// The bounds of batch sizes, as powers of two: from 1 to 16,383 events, by factors of two.
pub(super) const SIZES: [u32; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(kind: MetricKind, unit: Option<&'static str>) -> Metric {
        Metric { name: "stage_x_seconds", kind, unit, help: "Help.", write: |_, _| () }
    }

    #[test]
    fn a_family_has_its_header_once_and_only_with_samples() {
        let mut text = String::new();
        let _unused = Family::text(&metric(MetricKind::Gauge, None), &mut text);
        assert_eq!(text, "");
        let mut begun = Family::text(&metric(MetricKind::Counter, Some("seconds")), &mut text);
        begun.sample("a=\"1\"", Duration::from_millis(1_500));
        begun.sample_with("a=\"2\"", Some(("b", "c")), 7);
        assert_eq!(
            text,
            "# TYPE stage_x_seconds counter\n# UNIT stage_x_seconds seconds\n# HELP stage_x_seconds Help.\n\
             stage_x_seconds_total{a=\"1\"} 1.5\nstage_x_seconds_total{a=\"2\",b=\"c\"} 7\n"
        );
    }

    #[test]
    fn the_same_samples_are_available_as_values() {
        let mut samples = Vec::new();
        let mut family = Family::samples(&metric(MetricKind::Counter, None), &mut samples);
        family.sample_with("a=\"1\"", Some(("b", "c")), 7);
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = vec![label("a", "1"), label("b", "c")];
        assert_eq!(samples, [MetricSample { suffix: "_total", labels, value: MetricValue::Count(7) }]);
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 99, 12_345, u64::from(u32::MAX), u64::MAX] {
            let mut text = String::new();
            MetricValue::from(number).write(&mut text);
            assert_eq!(text, number.to_string());
        }
        for (time, expected) in [
            (Duration::ZERO, "0"),
            (Duration::from_secs(60), "60"),
            (Duration::from_millis(1_500), "1.5"),
            (Duration::from_nanos(1), "0.000000001"),
            (Duration::new(3, 120_000_000), "3.12"),
            (Duration::new(u64::MAX, 999_999_999), "18446744073709551615.999999999"),
        ] {
            let mut text = String::new();
            MetricValue::from(time).write(&mut text);
            assert_eq!(text, expected);
        }
    }
}
