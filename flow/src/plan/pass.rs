//! The operator that passes its input on unchanged.

use std::marker::PhantomData;

use super::Operator;
use crate::time::{Progress, Stamp, Time};

/// Passes events on, and the progress of their only sender.
pub(crate) struct Pass<M, T> {
    progress: Progress,
    takes: PhantomData<fn(M, T)>,
}

impl<M, T> Pass<M, T> {
    pub(crate) fn new() -> Self {
        Self { progress: Progress::UNKNOWN, takes: PhantomData }
    }
}

impl<M: Time, T: Send + 'static> Operator for Pass<M, T> {
    type In = M::Of<T>;
    type Out = M::Of<T>;

    fn batch<K: FnMut(M::Of<T>)>(
        &mut self,
        _edge: usize,
        events: impl Iterator<Item = M::Of<T>>,
        sink: &mut K,
    ) {
        events.for_each(|carried| {
            let (stamp, event) = M::open(carried);
            if let Some(Stamp { reached, .. }) = M::moment(stamp) {
                self.progress = Progress { reached, idle: false };
            }
            sink(M::close(stamp, event));
        });
    }

    fn hear<K: FnMut(M::Of<T>)>(&mut self, _edge: usize, progress: Progress, _sink: &mut K) {
        self.progress = progress;
    }

    fn progress(&self) -> Option<Progress> {
        M::IS_TIMED.then_some(self.progress)
    }
}
