//! The workload `acked/k3` and its peers: the same pipeline without acknowledgement, and a hand-written one.

use std::{cell::OnceCell, rc::Rc, time::Duration};

use super::{Travel, Work, round};
use crate::workload::{Contender, Peer, Unit, Workload};

/// Work per step and event.
const EACH: Duration = Duration::from_nanos(200);

/// `acked/k3`.
pub fn workload() -> Workload {
    // Calibrated at first use, and shared by all contenders.
    let work = Rc::new(OnceCell::new());
    let by = |name, travel| {
        let work = Rc::clone(&work);
        Contender::new(name, move |runtime, events| {
            Ok(round(runtime, travel, *work.get_or_init(|| Work::lasting(EACH)), events)?)
        })
    };
    let peer = |name, travel| Peer { contender: by(name, travel), at_least: None };
    Workload {
        name: "acked/k3".to_owned(),
        unit: Unit::Rate("events/s", 1.0),
        least: 2_000,
        us: by("us", Travel::Acked),
        peers: vec![peer("unacknowledged", Travel::Plain), peer("tokio-vec", Travel::TokioVec)],
    }
}
