//! The loop of one stage: a plain future, spawned in one place (`supervise/child.rs`).
//!
//! Every turn takes in what arrived, then runs at most one callback. A stage with nothing to do parks
//! until something is marked; one that always has something to do lets others run now and then.

use std::future::poll_fn;
use std::task::{Context as TaskContext, Poll};

use tokio::sync::oneshot;

use super::attend::attend;
use super::inlet::{Inlet, Received};
use super::outlet::Outlet;
use super::port::{Port, Request};
use crate::error::{BoxError, ExitReason, StageResult};
use crate::protocol::{Batch, Closed};
use crate::signal::{Attention, Signal, WantsCredit};
use crate::stage::{Consumer, Context, Core, Emitter, Events, Init, Nothing, Producer, ProducerConsumer};
use crate::stats::Stopwatch;
use crate::sync::{Arc, Mutex, lock};

/// The start of a stage: it says that its `init` succeeded, and waits until the others are up too.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) up: oneshot::Sender<()>,
    pub(crate) go: oneshot::Receiver<()>,
}

/// Callbacks in a row before other tasks get a turn.
const TURNS: usize = 64;

/// The parts that every stage has. A consumer's outlet has no subscribers, a producer's inlet no sources.
struct Body<S, In, Out> {
    stage: S,
    core: Core,
    hands: Hands<S, In, Out>,
    /// What the running callback emitted; empty between callbacks.
    emitted: Vec<Out>,
    /// What it flushed; empty between callbacks.
    flushed: Mutex<Vec<Out>>,
    stopwatch: Stopwatch,
    turns: usize,
}

/// What the engine works with while a callback has the rest.
struct Hands<S, In, Out> {
    signal: Arc<Signal>,
    port: Port<S, Out>,
    inlet: Inlet<In>,
    outlet: Outlet<Out>,
}

/// Runs one callback on the body's stage and sees to what it emitted. (A function cannot be given the
/// callback: its future would borrow what the function borrows, and could not be shown to be `Send`.)
macro_rules! run {
    ($body:expr, |$stage:ident, $out:ident| $callback:expr) => {{
        let Body { stage: $stage, core, hands, emitted, flushed, stopwatch, .. } = &mut *$body;
        let flushed = &*flushed;
        stopwatch.start();
        let result = attend(
            async {
                let $out = &mut Emitter { buffer: emitted, flushed, core };
                $callback.await
            },
            |cx| hands.work(cx, flushed),
        )
        .await;
        stopwatch.stop();
        $body.emit(result)
    }};
}

impl<S, In, Out> Hands<S, In, Out>
where
    In: Send + 'static,
{
    /// Takes in everything that was marked (rule 8).
    fn take_in(&mut self) {
        let Self { signal, port, inlet, outlet } = self;
        let slots = inlet.slots().max(outlet.slots());
        let mut mail = false;
        signal.take(slots, |attention| match attention {
            Attention::Mail => mail = true,
            Attention::Link(slot) => {
                outlet.look(slot);
                inlet.look(slot);
            }
        });
        if mail {
            port.read(|request| match request {
                Request::Subscribe(subscribe) => outlet.subscribe(subscribe),
                Request::Resubscribe(source) => inlet.subscribe(source),
            });
        }
    }

    /// Whether a producer-consumer could go on with credit alone.
    fn wants_credit(&self) -> WantsCredit {
        let holds = self.inlet.has_ready() || !self.outlet.is_empty();
        if holds { WantsCredit::Yes } else { WantsCredit::No }
    }

    /// What the engine does while a callback waits.
    fn work(&mut self, cx: &mut TaskContext<'_>, flushed: &Mutex<Vec<Out>>) {
        self.outlet.emit(&mut lock(flushed));
        while self.signal.poll_marked(cx, WantsCredit::Yes).is_ready() {
            self.take_in();
        }
    }
}

impl<S, In, Out> Body<S, In, Out>
where
    In: Send + 'static,
{
    fn new(stage: S, core: Core, port: Port<S, Out>, inlet: Inlet<In>, outlet: Outlet<Out>) -> Self {
        let signal = Arc::clone(port.mailbox.signal());
        let stopwatch = Stopwatch::new(Arc::clone(&core.counters));
        Self {
            stage,
            core,
            hands: Hands { signal, port, inlet, outlet },
            emitted: Vec::new(),
            flushed: Mutex::new(Vec::new()),
            stopwatch,
            turns: 0,
        }
    }

    /// Hands out what a callback emitted; after a failure, discards it.
    fn emit(&mut self, result: Result<StageResult, ExitReason>) -> Result<(), ExitReason> {
        let flushed = self.flushed.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.hands.outlet.emit(flushed);
        let failure = match result {
            Ok(Ok(())) => {
                self.hands.outlet.emit(&mut self.emitted);
                return Ok(());
            }
            Ok(Err(error)) => ExitReason::from(error),
            Err(panicked) => panicked,
        };
        // The batch in its hands is what a callback loses; one without a batch loses what it emitted.
        if !self.emitted.is_empty() && !self.hands.inlet.is_holding() {
            self.core.counters.discarded(self.emitted.len());
            tracing::warn!(
                discarded = self.emitted.len(),
                "events discarded: the callback that emitted them failed"
            );
        }
        Err(failure)
    }

    /// Takes in what arrived and runs the messages; an error ends the stage.
    async fn turn(&mut self) -> Result<(), ExitReason> {
        self.turns += 1;
        if self.turns > TURNS {
            self.turns = 0;
            give_way().await;
        }
        self.hands.take_in();
        if let Some(reason) = self.hands.port.stop.take() {
            return Err(reason);
        }
        while let Some(message) = self.hands.port.messages.pop_front() {
            run!(self, |stage, out| message.open(stage, out))?;
        }
        Ok(())
    }

    /// A batch, or a demand, of `events` is about to be handled.
    fn begin_batch(&self, events: usize) {
        tracing::trace!(events, "batch");
        self.core.counters.batch();
    }

    /// Waits until something is marked.
    async fn park(&mut self, wants_credit: WantsCredit) {
        self.turns = 0;
        poll_fn(|cx| self.hands.signal.poll_marked(cx, wants_credit)).await;
    }

    /// Nothing more is to be done but to hand over what is buffered.
    fn is_done(&self) -> bool {
        self.hands.outlet.is_empty() || self.hands.outlet.has_had_enough()
    }

    /// Ends all subscriptions for `reason`.
    fn close(mut self, reason: ExitReason) -> ExitReason {
        let closed = match &reason {
            ExitReason::Normal => Closed::End,
            other => Closed::Cancelled(other.clone()),
        };
        // A finished stage will not be back; any other end may be followed by a restart.
        if matches!(reason, ExitReason::Normal) {
            self.hands.port.close(&closed);
        }
        self.hands.inlet.close(&reason);
        self.hands.outlet.close(&closed);
        reason
    }
}

/// Lets other tasks run once.
async fn give_way() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What `init` came to: go on when all others are up, or end for a reason.
async fn begin(
    init: Result<Result<Init, BoxError>, ExitReason>,
    Ready { up, go }: Ready,
) -> Result<(), ExitReason> {
    let init = init?.map_err(ExitReason::from)?;
    // Nobody listens, and nobody says go, when the pipeline is given up.
    let _ = up.send(());
    match init {
        Init::Ready => go.await.map_err(|_| ExitReason::Shutdown),
        Init::Declined => Err(ExitReason::Normal),
    }
}

/// Ends a stage: `terminate` unless it panicked, then its subscriptions.
macro_rules! end {
    ($body:ident, $reason:expr) => {{
        let mut reason = $reason;
        if !matches!(reason, ExitReason::Panicked(_)) {
            let stage = &mut $body.stage;
            let given = reason.clone();
            if let Err(panicked) = attend(async { stage.terminate(&given).await }, |_| {}).await {
                reason = panicked;
            }
        }
        $body.close(reason)
    }};
}

/// Runs a producer until it ends, and says why it did.
pub(crate) async fn producer<P: Producer>(
    stage: P,
    core: Core,
    port: Port<P, P::Event>,
    inlet: Inlet<Nothing>,
    outlet: Outlet<P::Event>,
    ready: Ready,
) -> ExitReason {
    let mut body = Body::new(stage, core, port, inlet, outlet);
    let Body { stage, core, .. } = &mut body;
    let init = attend(async { stage.init(&mut Context { core }).await }, |_| {}).await;
    let reason = match begin(init, ready).await {
        Ok(()) => produce(&mut body).await.err().unwrap_or(ExitReason::Normal),
        Err(reason) => reason,
    };
    end!(body, reason)
}

async fn produce<P: Producer>(body: &mut Body<P, Nothing, P::Event>) -> Result<(), ExitReason> {
    loop {
        body.turn().await?;
        if body.hands.outlet.has_had_enough() {
            return Ok(());
        }
        if body.core.finished || body.hands.port.is_draining() {
            if body.is_done() {
                return Ok(());
            }
        } else if let Some(demand) = body.hands.outlet.next_demand() {
            body.begin_batch(demand.get());
            run!(body, |stage, out| stage.handle_demand(demand, out))?;
            continue;
        }
        body.park(WantsCredit::Yes).await;
    }
}

/// Runs a producer-consumer until it ends, and says why it did.
pub(crate) async fn producer_consumer<S: ProducerConsumer>(
    stage: S,
    core: Core,
    port: Port<S, S::Out>,
    inlet: Inlet<S::In>,
    outlet: Outlet<S::Out>,
    ready: Ready,
) -> ExitReason {
    let mut body = Body::new(stage, core, port, inlet, outlet);
    let Body { stage, core, .. } = &mut body;
    let init = attend(async { stage.init(&mut Context { core }).await }, |_| {}).await;
    let reason = match begin(init, ready).await {
        Ok(()) => transform(&mut body).await.err().unwrap_or(ExitReason::Normal),
        Err(reason) => reason,
    };
    end!(body, reason)
}

/// Handles batches while events are wanted; a message that was begun is handled whole (spec §12).
async fn transform<S: ProducerConsumer>(body: &mut Body<S, S::In, S::Out>) -> Result<(), ExitReason> {
    body.hands.inlet.open();
    let mut begun = false;
    loop {
        body.turn().await?;
        body.hands.outlet.ignore_demand();
        if body.hands.outlet.has_had_enough() {
            return Ok(());
        }
        let ending = body.core.finished || body.hands.inlet.has_ended();
        if ending && body.is_done() {
            return Ok(());
        }
        if !ending && (begun || body.hands.outlet.wanted() > 0) {
            match body.hands.inlet.receive() {
                Received::Batch(slot, Batch { mut events, more }) => {
                    begun = more;
                    body.begin_batch(events.len());
                    let lent = &mut events;
                    run!(body, |stage, out| stage.handle_events(Events { buffer: lent }, out))?;
                    body.hands.inlet.handled(slot, events);
                    continue;
                }
                Received::Refused(error) => return Err(ExitReason::Error(Arc::new(error))),
                Received::Nothing => {}
            }
            begun = false;
            if body.hands.inlet.has_ended() {
                continue;
            }
        }
        body.park(body.hands.wants_credit()).await;
    }
}

/// Runs a consumer until it ends, and says why it did.
pub(crate) async fn consumer<C: Consumer>(
    stage: C,
    core: Core,
    port: Port<C, Nothing>,
    inlet: Inlet<C::Event>,
    outlet: Outlet<Nothing>,
    ready: Ready,
) -> ExitReason {
    let mut body = Body::new(stage, core, port, inlet, outlet);
    let Body { stage, core, .. } = &mut body;
    let init = attend(async { stage.init(&mut Context { core }).await }, |_| {}).await;
    let reason = match begin(init, ready).await {
        Ok(()) => consume(&mut body).await.err().unwrap_or(ExitReason::Normal),
        Err(reason) => reason,
    };
    end!(body, reason)
}

async fn consume<C: Consumer>(body: &mut Body<C, C::Event, Nothing>) -> Result<(), ExitReason> {
    body.hands.inlet.open();
    loop {
        body.turn().await?;
        if body.core.finished {
            return Ok(());
        }
        match body.hands.inlet.receive() {
            Received::Batch(slot, Batch { mut events, .. }) => {
                body.begin_batch(events.len());
                let lent = &mut events;
                run!(body, |stage, out| stage
                    .handle_events(Events { buffer: lent }, &mut Context { core: &mut *out.core }))?;
                body.hands.inlet.handled(slot, events);
            }
            Received::Refused(error) => return Err(ExitReason::Error(Arc::new(error))),
            Received::Nothing if body.hands.inlet.has_ended() => return Ok(()),
            Received::Nothing => body.park(WantsCredit::No).await,
        }
    }
}
