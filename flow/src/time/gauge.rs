//! The event time of the stages of a flow, for observers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use stage_core::watch::EventTime;

use crate::sync::lock;

/// The event time that an operator has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The watermark, in milliseconds since the flow's origin of time.
    pub watermark: i64,
    /// The number of late events.
    pub late: u64,
}

/// The event time of one stage: written by the stage after each batch, read by observers.
#[derive(Debug)]
pub(crate) struct Gauge {
    /// `i64::MIN` before the first event.
    watermark: AtomicI64,
    late: AtomicU64,
}

impl Gauge {
    #[inline]
    pub(crate) fn show(&self, reached: Option<Reached>) {
        if let Some(Reached { watermark, late }) = reached {
            self.watermark.store(watermark, Ordering::Relaxed);
            self.late.store(late, Ordering::Relaxed);
        }
    }

    fn watermark(&self) -> Option<i64> {
        Some(self.watermark.load(Ordering::Relaxed)).filter(|watermark| *watermark > i64::MIN)
    }
}

/// The layer, the index and the gauge of a stage.
type OfStage = (String, usize, Arc<Gauge>);

/// The gauges of all stages of a flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    stages: Arc<Mutex<Vec<OfStage>>>,
}

impl Gauges {
    /// Adds the gauge of stage number `index` of a layer.
    pub(crate) fn add(&self, layer: &str, index: usize) -> Arc<Gauge> {
        let gauge = Arc::new(Gauge { watermark: AtomicI64::new(i64::MIN), late: AtomicU64::default() });
        self.stages().push((layer.to_owned(), index, Arc::clone(&gauge)));
        gauge
    }

    /// Reads the stages that have a watermark. The lag of each is measured from the furthest watermark of all.
    pub(crate) fn read(&self) -> Vec<EventTime> {
        let stages = self.stages();
        let furthest = stages.iter().filter_map(|(.., gauge)| gauge.watermark()).max();
        let times = stages.iter().filter_map(|(layer, index, gauge)| {
            let watermark = gauge.watermark()?;
            let mut time = EventTime::new(layer.clone(), *index);
            time.watermark = Some(watermark);
            time.lag = furthest.map(|furthest| Duration::from_millis(furthest.abs_diff(watermark)));
            time.late = gauge.late.load(Ordering::Relaxed);
            Some(time)
        });
        times.collect()
    }

    fn stages(&self) -> MutexGuard<'_, Vec<OfStage>> {
        lock(&self.stages)
    }
}
