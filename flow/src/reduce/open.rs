//! An open window: takes in events, and emits its results.

use super::layer::ReduceLayer;
use super::{Accumulate, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf, TimeOf};
use crate::plan::{Give, Place};
use crate::time::Time;
use crate::window::{BatchTrigger, Next, Trigger, TriggerName, WindowId};

/// The number of events of one batch after which a reducer settles: a join may make any number of one batch.
const SETTLED_AFTER: usize = 1024;

/// An open window.
pub(super) struct Open<C: Chain, R: Accumulate> {
    state: C::State,
    pub(super) acc: Option<R::Acc>,
    pub(super) alarms: R::Alarms,
    /// The number of events until the next trigger, if the window has a trigger by count.
    pub(super) until: usize,
    /// Whether the window has been emitted because the watermark passed it.
    pub(super) passed: bool,
    /// The custom trigger, if there is one.
    trigger: Option<BatchTrigger<InOf<C>>>,
    /// Events that the custom trigger has not seen yet, and the stamp of the first.
    waiting: (Vec<InOf<C>>, Option<StampOf<C>>),
}

impl<C, R> Open<C, R>
where
    C: Chain,
    R: Accumulate,
{
    pub(super) fn new<M>(layer: &ReduceLayer<C, R, M>) -> Self {
        let mut alarms = R::Alarms::default();
        Self {
            state: layer.chain.state(),
            acc: Some(layer.reducer.acc(&mut alarms)),
            alarms,
            until: layer.window.every.unwrap_or(usize::MAX),
            passed: false,
            trigger: layer.custom_trigger.as_ref().map(|make| make()),
            waiting: (Vec::new(), None),
        }
    }

    /// Keeps an event for the custom trigger.
    pub(super) fn wait(&mut self, stamp: StampOf<C>, event: InOf<C>) {
        self.waiting.1.get_or_insert(stamp);
        self.waiting.0.push(event);
    }
}

/// Mutable access to a window, with its layer and its names.
pub(super) struct Opened<'a, C: Chain, R: Accumulate, M> {
    pub(super) layer: &'a ReduceLayer<C, R, M>,
    pub(super) window: WindowId,
    pub(super) place: Place,
    pub(super) open: &'a mut Open<C, R>,
}

impl<C, R, M> Opened<'_, C, R, M>
where
    C: Chain,
    R: Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    /// Emits the window after its trigger has seen the waiting events.
    pub(super) fn fire<K: FnMut(M::Out)>(&mut self, name: TriggerName, sink: &mut K) {
        self.show_batch(sink);
        self.hand_out(name, sink);
    }

    fn hand_out<K: FnMut(M::Out)>(&mut self, name: TriggerName, sink: &mut K) {
        let Open { acc, alarms, .. } = &mut *self.open;
        let value = acc.take().unwrap_or_else(|| self.layer.reducer.acc(alarms));
        let trigger = Trigger { window: self.window, name, place: self.place };
        *acc = self.layer.emit.emit(value, &trigger, sink);
    }

    /// Emits the window for each of its alarms that are due by `now`.
    pub(super) fn ring<K: FnMut(M::Out)>(&mut self, now: tokio::time::Instant, sink: &mut K) {
        use super::AlarmSet as _;
        while let Some(name) = self.open.alarms.take_due(now) {
            self.fire(TriggerName::Custom(name), sink);
        }
    }

    /// Shows the waiting events to the custom trigger.
    pub(super) fn show_batch<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let Some(stamp) = self.open.waiting.1.take() else { return };
        let mut batch = std::mem::take(&mut self.open.waiting.0);
        let Some(mut trigger) = self.open.trigger.take() else { return };
        while !batch.is_empty() {
            let (before, fire) = match trigger(std::mem::take(&mut batch)) {
                Next::Reduce(events) => (events, None),
                Next::Fire { name, before, after } => {
                    batch = after;
                    (before, Some(TriggerName::Custom(name)))
                }
            };
            for event in before {
                self.take_in(stamp, event, sink);
            }
            if let Some(name) = fire {
                self.hand_out(name, sink);
            }
        }
        self.open.trigger = Some(trigger);
    }

    /// Adds one event to the window.
    #[inline]
    pub(super) fn take_in<K: FnMut(M::Out)>(&mut self, stamp: StampOf<C>, event: InOf<C>, sink: &mut K) {
        let (layer, Open { state, acc, alarms, .. }) = (self.layer, &mut *self.open);
        let acc = acc.get_or_insert_with(|| layer.reducer.acc(alarms));
        let reduce = &mut |_, event| layer.reducer.reduce(acc, alarms, event, sink);
        layer.chain.push(state, stamp, event, reduce);
        layer.reducer.settle(acc, sink);
        self.open.until -= 1;
        if self.open.until == 0
            && let Some(every) = layer.window.every
        {
            self.open.until = every;
            self.hand_out(TriggerName::Every(every), sink);
        }
    }

    /// Adds events without counting them for a trigger.
    pub(super) fn take_all<K: FnMut(M::Out)>(
        &mut self,
        events: impl Iterator<Item = (StampOf<C>, InOf<C>)>,
        sink: &mut K,
    ) {
        let (layer, Open { state, acc: kept, alarms, .. }) = (self.layer, &mut *self.open);
        // The value is moved out so that its fields can stay in registers.
        let mut acc = kept.take().unwrap_or_else(|| layer.reducer.acc(alarms));
        events.for_each(|(stamp, event)| {
            let reduce = &mut |_, event| layer.reducer.reduce(&mut acc, alarms, event, sink);
            layer.chain.push(state, stamp, event, reduce);
        });
        layer.reducer.settle(&mut acc, sink);
        *kept = Some(acc);
    }

    /// Adds the events that another operator makes, without counting them for a trigger.
    pub(super) fn take_given<K: FnMut(M::Out)>(
        &mut self,
        events: impl Give<<TimeOf<C> as Time>::Of<InOf<C>>>,
        sink: &mut K,
    ) {
        let (layer, Open { state, acc: kept, alarms, .. }) = (self.layer, &mut *self.open);
        let mut acc = kept.take().unwrap_or_else(|| layer.reducer.acc(alarms));
        let mut left = SETTLED_AFTER;
        events.give(&mut |carried| {
            let (stamp, event) = TimeOf::<C>::open(carried);
            let reduce = &mut |_, event| layer.reducer.reduce(&mut acc, alarms, event, sink);
            layer.chain.push(state, stamp, event, reduce);
            left -= 1;
            if left == 0 {
                left = SETTLED_AFTER;
                layer.reducer.settle(&mut acc, sink);
            }
        });
        layer.reducer.settle(&mut acc, sink);
        *kept = Some(acc);
    }
}
