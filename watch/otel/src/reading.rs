//! A reading of a board that all instruments of one collection share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stage_core::watch::{Board, MetricFamily, OpenMetrics};

/// The time for which a reading is shared: longer than a collection takes, shorter than any sensible interval of
/// two.
const FRESH: Duration = Duration::from_millis(100);

/// Reads a board at most once for each collection, although each instrument has a callback of its own.
pub(crate) struct Reading {
    board: Board,
    last: Mutex<Option<(Instant, Families)>>,
}

pub(crate) type Families = Arc<Vec<MetricFamily>>;

impl Reading {
    pub(crate) fn of(board: Board) -> Self {
        Self { board, last: Mutex::new(None) }
    }

    /// Returns the present numbers, or those of up to 100 ms ago.
    pub(crate) fn families(&self) -> Families {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, families)) if at.elapsed() < FRESH => Arc::clone(families),
            _ => {
                let families = Arc::new(OpenMetrics::new().families(&self.board));
                *last = Some((Instant::now(), Arc::clone(&families)));
                families
            }
        }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}
