//! Result of one comparison: a workload, a peer, both throughputs and their ratio.

use benches::workload::{Better, Peer, Workload};
use serde::Serialize;

use crate::statistics::{extremes, median};

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
}

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
    pub(crate) fn new(workload: &Workload, peer: &Peer, pairs: &[Pair]) -> Self {
        let all = |figure: fn(&Pair) -> f64| pairs.iter().map(figure).collect::<Vec<_>>();
        let ratios = all(|pair| pair.us / pair.them);
        let (min, max) = extremes(&ratios);
        let median_ratio = median(&ratios);
        Self {
            workload: workload.name.clone(),
            peer: peer.contender.name,
            unit: workload.unit.name(),
            us: median(&all(|pair| pair.us)),
            them: median(&all(|pair| pair.them)),
            ratio: Ratio { median: median_ratio, min, max },
            better: workload.unit.better(),
            at_least: peer.at_least,
        }
    }

    /// Returns whether the ratio keeps the promise.
    pub(crate) fn holds(&self) -> bool {
        self.at_least.is_none_or(|bound| match self.better {
            Better::Higher => self.ratio.median >= bound,
            Better::Lower => self.ratio.median <= bound,
        })
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
        let promise = match (bound, self.holds()) {
            (None, _) => String::new(),
            (Some(bound), true) => format!("{sign} {bound} ✓"),
            (Some(bound), false) => format!("{sign} {bound} ✗"),
        };
        [
            self.workload.clone(),
            self.peer.to_owned(),
            self.shown(self.us),
            self.shown(self.them),
            format!("{median:.2}"),
            format!("{min:.2} – {max:.2}"),
            promise,
        ]
    }
}

/// The headings of the columns.
pub(crate) const HEADINGS: [&str; 7] = ["workload", "peer", "us", "peer's", "ratio", "min – max", "promised"];

#[cfg(test)]
mod tests {
    use benches::catalogue::{self, Scale};

    use super::{Pair, Row};

    #[test]
    fn a_row_in_json_has_the_promised_fields() {
        let all = catalogue::all(Scale::Tenth);
        let workload = all.iter().find(|workload| workload.name == "pipe/k3/1000-500").unwrap();
        let pairs = [(300.0, 200.0), (100.0, 200.0), (440.0, 220.0)].map(|(us, them)| Pair { us, them });
        let row = serde_json::to_value(Row::new(workload, &workload.peers[0], &pairs)).unwrap();
        let expected = serde_json::json!({
            "workload": "pipe/k3/1000-500", "peer": "tokio-vec", "unit": "events/s", "us": 300.0, "them": 200.0,
            "ratio": { "median": 1.5, "min": 0.5, "max": 2.0 }, "better": "higher", "at_least": 1.5,
        });
        assert_eq!(row, expected);
    }
}
