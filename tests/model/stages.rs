//! The stages of a random topology, which keep a journal, and number their events.

use std::sync::{Arc, Mutex};

use stage_core::stage::Cast;
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Nothing, Producer, ProducerConsumer, StageResult,
};

/// An event: the number of its stage, and its own number there.
pub(crate) type Event = (usize, usize);

/// An entry about a callback.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A stage emitted events with numbers below this one.
    Emitted {
        stage: usize,
        until: usize,
    },
    Handled {
        by: Subscription,
        events: Vec<Event>,
    },
    /// A consumer was notified of the end of a subscription.
    Ended {
        of: Subscription,
        how: Cancellation,
    },
    /// A producer was notified of the end of a subscription.
    Left {
        of: Subscription,
    },
}

/// The entries of all callbacks, in order.
pub(crate) type Journal = Arc<Mutex<Vec<Entry>>>;

/// The common state of every stage.
pub(crate) struct Common {
    pub(crate) stage: usize,
    pub(crate) emitted: usize,
    pub(crate) journal: Journal,
}

impl Common {
    fn note(&self, entry: Entry) {
        self.journal.lock().unwrap().push(entry);
    }

    fn make(&mut self, events: usize) -> impl Iterator<Item = Event> + use<> {
        let (stage, from) = (self.stage, self.emitted);
        self.emitted += events;
        self.note(Entry::Emitted { stage, until: self.emitted });
        (from..self.emitted).map(move |number| (stage, number))
    }

    fn handle(&self, events: Events<'_, Event>) -> usize {
        let (by, count) = (events.from().clone(), events.len());
        self.note(Entry::Handled { by, events: events.into_iter().collect() });
        count
    }
}

/// An order of the history to a stage.
#[derive(Debug)]
pub(crate) enum Order {
    Emit(usize),
    Finish,
    Panic,
}

/// Emits events from its supply on demand, and on order.
pub(crate) struct Source {
    pub(crate) common: Common,
    pub(crate) supply: usize,
}

impl Producer for Source {
    type Event = Event;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Event>) -> StageResult {
        let events = demand.get().min(self.supply);
        self.supply -= events;
        out.extend(self.common.make(events));
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        _: &Cancellation,
        _: &mut Emitter<'_, Event>,
    ) -> StageResult {
        self.common.note(Entry::Left { of: subscription.clone() });
        Ok(())
    }
}

/// Makes none, one or two events from each.
pub(crate) struct Step(pub(crate) Common);

impl ProducerConsumer for Step {
    type In = Event;
    type Out = Event;

    async fn handle_events(
        &mut self,
        events: Events<'_, Event>,
        out: &mut Emitter<'_, Event>,
    ) -> StageResult {
        let made = events.as_slice().iter().map(|(_, number)| number % 3).sum();
        self.0.handle(events);
        out.extend(self.0.make(made));
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _: &mut Emitter<'_, Event>,
    ) -> StageResult {
        self.0.note(match peer {
            Role::Producer => Entry::Ended { of: subscription.clone(), how: cancellation.clone() },
            Role::Consumer => Entry::Left { of: subscription.clone() },
        });
        Ok(())
    }
}

/// Handles events, and asks for them in its demand mode.
pub(crate) struct Sink {
    pub(crate) common: Common,
    pub(crate) asking: Asking,
}

impl Consumer for Sink {
    type Event = Event;

    async fn handle_events(&mut self, events: Events<'_, Event>, _: &mut Context<'_>) -> StageResult {
        self.common.handle(events);
        Ok(())
    }

    async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Context<'_>) -> Result<Asking, BoxError> {
        Ok(self.asking)
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _: &mut Context<'_>,
    ) -> StageResult {
        self.common.note(Entry::Ended { of: subscription.clone(), how: cancellation.clone() });
        Ok(())
    }
}

impl Cast<Order> for Source {
    type Out = Event;

    async fn handle_cast(&mut self, order: Order, out: &mut Emitter<'_, Event>) -> StageResult {
        match order {
            Order::Emit(events) => out.extend(self.common.make(events)),
            Order::Finish => out.finish(),
            Order::Panic => panic!("told to"),
        }
        Ok(())
    }
}

impl Cast<Order> for Step {
    type Out = Event;

    async fn handle_cast(&mut self, order: Order, out: &mut Emitter<'_, Event>) -> StageResult {
        match order {
            Order::Emit(events) => out.extend(self.0.make(events)),
            Order::Finish => out.finish(),
            Order::Panic => panic!("told to"),
        }
        Ok(())
    }
}

impl Cast<Order> for Sink {
    type Out = Nothing;

    async fn handle_cast(&mut self, order: Order, out: &mut Emitter<'_, Nothing>) -> StageResult {
        match order {
            Order::Emit(_) => {}
            Order::Finish => out.finish(),
            Order::Panic => panic!("told to"),
        }
        Ok(())
    }
}
