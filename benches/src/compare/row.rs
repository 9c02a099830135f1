//! Result of one comparison: a workload, a peer, both throughputs and their ratio.

use crate::workload::{Better, Unit};
use serde::Serialize;

use super::statistics::{extremes, median};

/// One workload against one peer.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    workload: String,
    peer: &'static str,
    unit: &'static str,
    us: f64,
    them: f64,
    ratio: Ratio,
    better: Better,
    at_least: Option<f64>,
    kept: Option<Kept>,
}

/// Whether a ratio keeps its promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// It is better than promised by the [`MARGIN`] or more.
    WithMargin,
    WithoutMargin,
    Missed,
}

/// The factor by which a ratio must be better than promised: another run, or another processor, changes it by less.
const MARGIN: f64 = 1.1;

/// The ratio of this project's figure to the peer's, over all pairs.
#[derive(Debug, Serialize)]
struct Ratio {
    median: f64,
    min: f64,
    max: f64,
}

/// The figures of this project and the peer, measured one directly after the other.
pub(crate) struct Pair {
    pub(crate) us: f64,
    pub(crate) them: f64,
}

impl Row {
    /// Creates a row of `pairs` of rounds, with the promised ratio.
    pub(crate) fn new(
        workload: &str,
        unit: Unit,
        (peer, at_least): (&'static str, Option<f64>),
        pairs: &[Pair],
    ) -> Self {
        let all = |figure: fn(&Pair) -> f64| pairs.iter().map(figure).collect::<Vec<_>>();
        let ratios = all(|pair| pair.us / pair.them);
        let (min, max) = extremes(&ratios);
        let (median_ratio, better) = (median(&ratios), unit.better());
        Self {
            workload: workload.to_owned(),
            peer,
            unit: unit.name(),
            us: median(&all(|pair| pair.us)),
            them: median(&all(|pair| pair.them)),
            ratio: Ratio { median: median_ratio, min, max },
            better,
            at_least,
            kept: at_least.map(|bound| kept(median_ratio, bound, better)),
        }
    }

    pub(crate) fn workload(&self) -> &str {
        &self.workload
    }

    /// Returns the smallest and the greatest ratio.
    pub(crate) const fn extremes(&self) -> (f64, f64) {
        (self.ratio.min, self.ratio.max)
    }

    /// Formats a figure; rates are in millions.
    fn shown(&self, figure: f64) -> String {
        match self.better {
            // Four decimals where two would show next to nothing.
            Better::Higher if figure < 1e5 => format!("{:.4}", figure / 1e6),
            Better::Higher => format!("{:.2}", figure / 1e6),
            Better::Lower => format!("{figure:.2} µs"),
        }
    }

    /// Returns the cells of the table, in the order of [`HEADINGS`].
    pub(crate) fn cells(&self) -> [String; HEADINGS.len()] {
        let Ratio { median, min, max } = self.ratio;
        let sign = match self.better {
            Better::Higher => "≥",
            Better::Lower => "≤",
        };
        let bound = self.at_least.map(|bound| (bound * 100.0).round() / 100.0);
        let promise = bound.zip(self.kept).map(|(bound, kept)| match kept {
            Kept::WithMargin => format!("{sign} {bound} ✓"),
            Kept::WithoutMargin => format!("{sign} {bound} (kept, without margin)"),
            Kept::Missed => format!("{sign} {bound} ✗"),
        });
        [
            self.workload.clone(),
            self.peer.to_owned(),
            self.shown(self.us),
            self.shown(self.them),
            format!("{median:.2}"),
            format!("{min:.2} – {max:.2}"),
            promise.unwrap_or_default(),
        ]
    }
}

fn kept(ratio: f64, bound: f64, better: Better) -> Kept {
    let times_better = match better {
        Better::Higher => ratio / bound,
        Better::Lower => bound / ratio,
    };
    match times_better {
        MARGIN.. => Kept::WithMargin,
        1.0.. => Kept::WithoutMargin,
        _ => Kept::Missed,
    }
}

/// The headings of the columns.
pub(crate) const HEADINGS: [&str; 7] = ["workload", "peer", "us", "peer's", "ratio", "min – max", "promised"];

#[cfg(test)]
mod tests {
    use crate::workload::Unit;

    use super::{Pair, Row};

    const RATE: Unit = Unit::Rate("events/s", 1.0);

    fn row(unit: Unit, at_least: Option<f64>, ratio: f64) -> Row {
        let pairs = [(300.0, 200.0), (100.0, 200.0), (440.0, 220.0)].map(|(us, them)| Pair { us, them });
        let pairs = pairs.map(|Pair { us, them }| Pair { us: us * ratio / 1.5, them });
        Row::new("pipe/k3/1000-500", unit, ("tokio-vec", at_least), &pairs)
    }

    #[test]
    fn a_row_in_json_has_the_promised_fields() {
        let row = serde_json::to_value(row(RATE, Some(1.25), 1.5)).unwrap();
        let expected = serde_json::json!({
            "workload": "pipe/k3/1000-500", "peer": "tokio-vec", "unit": "events/s", "us": 300.0, "them": 200.0,
            "ratio": { "median": 1.5, "min": 0.5, "max": 2.0 }, "better": "higher", "at_least": 1.25,
            "kept": "with_margin",
        });
        assert_eq!(row, expected);
    }

    #[test]
    fn a_promise_is_kept_with_a_margin_of_a_tenth_without_it_or_missed() {
        let shown = |unit, at_least, ratio| row(unit, at_least, ratio).cells()[6].clone();
        for (ratio, expected) in [
            (1.80, "≥ 1.6 ✓"),
            (1.75, "≥ 1.6 (kept, without margin)"),
            (1.61, "≥ 1.6 (kept, without margin)"),
            (1.59, "≥ 1.6 ✗"),
        ] {
            assert_eq!(shown(RATE, Some(1.6), ratio), expected, "{ratio}");
        }
        for (ratio, expected) in [
            (1.04, "≤ 1.15 ✓"),
            (1.06, "≤ 1.15 (kept, without margin)"),
            (1.14, "≤ 1.15 (kept, without margin)"),
            (1.16, "≤ 1.15 ✗"),
        ] {
            assert_eq!(shown(Unit::Microseconds, Some(1.15), ratio), expected, "{ratio}");
        }
        assert_eq!(shown(RATE, None, 0.5), "");
        assert_eq!(shown(RATE, Some(1.0), f64::NAN), "≥ 1 ✗");
    }
}
