//! The costs of events, the fixed windows beside the tuned one, and the promised ratios.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use super::work::{Cost, Windows, round};
use crate::acked::Work;
use crate::catalogue::Scale;
use crate::workload::{Contender, Peer, Unit, Workload, as_figure};

/// The events of a run that ends before a window is tuned.
const FEW: u64 = 100;

/// A fixed window, with the promised minimum ratio to its throughput.
type Fixed = (&'static str, Windows, Option<f64>);

const fn narrow(at_least: Option<f64>) -> Fixed {
    ("10/1", Windows::Fixed(10, 1), at_least)
}

const fn middle(at_least: Option<f64>) -> Fixed {
    ("100/50", Windows::Fixed(100, 50), at_least)
}

const fn wide(at_least: Option<f64>) -> Fixed {
    ("1000/500", Windows::Fixed(1000, 500), at_least)
}

const fn widest(at_least: Option<f64>) -> Fixed {
    ("8000/7500", Windows::Fixed(8000, 7500), at_least)
}

const fn nanos(nanos: u64) -> Cost {
    Cost::Spins(Duration::from_nanos(nanos))
}

/// Returns `auto/COST/COPIES`, and `auto/first-100/COST/COPIES`: how long a hundred events take.
pub fn workloads(scale: Scale) -> Vec<Workload> {
    let tenth = Some(0.9);
    // Very large windows win and lose by the placement of the stages.
    let cheap = [narrow(Some(0.85)), middle(Some(0.85)), wide(Some(0.85)), widest(None)];
    let usual = [narrow(tenth), middle(tenth), wide(tenth), widest(tenth)];
    // The larger a window, the more of the events one copy hoards.
    let slow = [narrow(tenth), middle(tenth)];
    // The promise is for runs of two seconds: a window takes a quarter of a second to grow to its bound.
    let (per_batch, half) = match scale {
        Scale::Full => (160_000, Some(0.5)),
        Scale::Tenth => (20_000, None),
    };
    let batch = [wide(half), widest(half)];
    let millis = Duration::from_millis;
    let costs: [(&str, Cost, u64, &[Fixed]); 9] = [
        ("2ns", nanos(2), 20_000, &cheap),
        ("20ns", nanos(20), 20_000, &cheap),
        ("200ns", nanos(200), 10_000, &usual),
        ("2us", nanos(2_000), 5_000, &usual),
        ("20us", nanos(20_000), 1_000, &usual),
        ("200us", nanos(200_000), 200, &slow),
        ("2ms", nanos(2_000_000), 100, &slow),
        ("20ms-sleep", Cost::Sleeps(millis(20)), 25, &slow),
        ("5ms-per-batch", Cost::SleepsPerBatch(millis(5)), per_batch, &batch),
    ];
    let mut all = Vec::new();
    for (name, cost, least, fixed) in costs {
        for copies in [1, 4] {
            let least = if matches!(cost, Cost::Spins(_)) { least } else { least * copies as u64 };
            all.push(throughput(format!("auto/{name}/x{copies}"), cost, copies, least, fixed));
        }
    }
    for (name, cost) in [("2us", 2_000), ("20us", 20_000), ("200us", 200_000), ("2ms", 2_000_000)] {
        for copies in [1, 4] {
            all.push(first(format!("auto/first-100/{name}/x{copies}"), cost, copies));
        }
    }
    all
}

/// The work, calibrated once for a row.
type Lazy = Rc<OnceCell<Work>>;

fn work(cost: Cost, lazy: &Lazy) -> Work {
    *lazy.get_or_init(|| match cost {
        Cost::Spins(each) => Work::lasting(each),
        Cost::Sleeps(_) | Cost::SleepsPerBatch(_) => Work::NONE,
    })
}

fn throughput(name: String, cost: Cost, copies: usize, least: u64, fixed: &[Fixed]) -> Workload {
    let lazy = Lazy::default();
    let of = |name, windows| {
        let lazy = Rc::clone(&lazy);
        Contender::new(name, move |runtime, events| {
            round(runtime, cost, work(cost, &lazy), copies, windows, events)
        })
    };
    let peers = fixed
        .iter()
        .map(|(name, windows, at_least)| Peer { contender: of(*name, *windows), at_least: *at_least });
    Workload {
        name,
        unit: Unit::Rate("events/s", 1.0),
        least,
        us: of("auto", Windows::Tuned),
        peers: peers.collect(),
    }
}

/// The mean time that a pipeline takes for a hundred events. A tenth more than the best is promised, and 50 µs for
/// the round trips in which a window grows.
fn first(name: String, nanoseconds: u64, copies: usize) -> Workload {
    let (cost, lazy) = (nanos(nanoseconds), Lazy::default());
    let of = |name, windows| {
        let lazy = Rc::clone(&lazy);
        Contender::new(name, move |runtime, events| {
            let runs = u32::try_from(events / FEW).unwrap_or(u32::MAX).max(1);
            let mut all = Duration::ZERO;
            for _ in 0..runs {
                all += round(runtime, cost, work(cost, &lazy), copies, windows, FEW)?;
            }
            Ok(all / runs)
        })
    };
    // Two cores, whatever the number of copies.
    let expected = as_figure(FEW * nanoseconds) / 1000.0 / as_figure(copies.min(2) as u64);
    let at_most = Some(1.1 + 50.0 / expected);
    let peers = [narrow(at_most), middle(at_most), wide(at_most)];
    Workload {
        name,
        unit: Unit::Microseconds,
        least: FEW,
        us: of("auto", Windows::Tuned),
        peers: peers.map(|(name, windows, at_least)| Peer { contender: of(name, windows), at_least }).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_arrives() {
        let runtime = crate::runtime::runtime().unwrap();
        for workload in workloads(Scale::Tenth) {
            workload.us.round(&runtime, 20).unwrap();
            for peer in workload.peers {
                peer.contender.round(&runtime, 20).unwrap();
            }
        }
    }
}
