//! The permanent producers, which emit numbers on demand until the end of the test.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stage_core::spawn::DiscardLog;
use stage_core::stage::Cast;
use stage_core::{Demand, Emitter, Producer, StageResult};

/// The counts of a producer: emitted and discarded events.
#[derive(Debug, Default)]
pub(crate) struct Emitted {
    pub(crate) events: AtomicU64,
    pub(crate) discarded: AtomicU64,
}

impl Emitted {
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }

    pub(crate) fn discarded(&self) -> u64 {
        self.discarded.load(Ordering::Acquire)
    }
}

/// Counts upwards.
pub(crate) struct Count {
    next: u64,
    emitted: Arc<Emitted>,
}

impl Count {
    pub(crate) fn new(emitted: &Arc<Emitted>) -> Self {
        Self { next: 0, emitted: Arc::clone(emitted) }
    }
}

impl Producer for Count {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = self.next + demand.get() as u64;
        out.extend(self.next..end);
        self.next = end;
        self.emitted.events.store(end, Ordering::Release);
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.emitted.discarded.fetch_add(events as u64, Ordering::AcqRel);
        DiscardLog::Silent
    }
}

/// Ends the count.
pub(crate) struct Over;

impl Cast<Over> for Count {
    type Out = u64;

    async fn handle_cast(&mut self, _: Over, out: &mut Emitter<'_, u64>) -> StageResult {
        out.finish();
        Ok(())
    }
}
