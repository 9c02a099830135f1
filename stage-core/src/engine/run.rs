//! The loop of one stage: a plain future, spawned in one place (`supervise/child.rs`).
//!
//! Every turn takes in what arrived, then runs at most one callback. A stage with nothing to do parks
//! until something is marked; one that always has something to do lets others run now and then.

use std::future::poll_fn;
use std::task::{Context as TaskContext, Poll};

use tokio::sync::oneshot;

use super::attend::attend;
use super::inlet::{Appetite, Gone, Inlet, Received};
use super::kind::{Consuming, Kind, Producing, Transforming};
use super::outlet::{Notice, Outlet};
use super::port::{Port, Request};
use crate::error::{BoxError, ExitReason};
use crate::options::CancelMode;
use crate::protocol::{Batch, Closed};
use crate::signal::{Attention, Signal, WantsCredit};
use crate::stage::{
    Consumer, Context, Core, Emitter, Events, Init, Message, Nothing, Producer, ProducerConsumer,
};
use crate::stats::Stopwatch;
use crate::subscription::{Role, Subscription, Tell, What};
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
struct Body<K: Kind> {
    kind: K,
    core: Core,
    hands: Hands<K::Stage, K::In, K::Out>,
    /// What the running callback emitted; empty between callbacks.
    emitted: Vec<K::Out>,
    /// What it flushed; empty between callbacks.
    flushed: Mutex<Vec<K::Out>>,
    stopwatch: Stopwatch,
    turns: usize,
    /// The subscription that the last batch came by.
    from: Option<Subscription>,
}

/// What the engine works with while a callback has the rest.
struct Hands<S, In, Out> {
    signal: Arc<Signal>,
    port: Port<S, In, Out>,
    inlet: Inlet<In>,
    outlet: Outlet<Out>,
}

/// Runs one callback on the body's stage and sees to what it emitted. (A function cannot be given the
/// callback: its future would borrow what the function borrows, and could not be shown to be `Send`.)
macro_rules! run {
    ($body:expr, |$kind:ident, $out:ident| $callback:expr) => {{
        let Body { kind: $kind, core, hands, emitted, flushed, stopwatch, .. } = &mut *$body;
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
                Request::Resubscribe(source) => inlet.resubscribe(source),
                Request::Mode(mode) => outlet.set_mode(mode),
                Request::Tell(Tell { subscription, what: What::Cancel(reason) }) => {
                    outlet.cancel(&subscription, reason);
                }
                Request::Tell(tell) => inlet.tell(&tell),
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
        if self.outlet.has_had_enough() {
            self.port.leave().cancel();
        }
    }
}

impl<K: Kind> Body<K> {
    fn new(
        kind: K,
        core: Core,
        port: Port<K::Stage, K::In, K::Out>,
        inlet: Inlet<K::In>,
        outlet: Outlet<K::Out>,
    ) -> Self {
        let signal = Arc::clone(port.mailbox.signal());
        let stopwatch = Stopwatch::new(Arc::clone(&core.counters));
        Self {
            kind,
            core,
            hands: Hands { signal, port, inlet, outlet },
            emitted: Vec::new(),
            flushed: Mutex::new(Vec::new()),
            stopwatch,
            turns: 0,
            from: None,
        }
    }

    /// Hands out what a callback emitted; after a failure, discards it.
    fn emit<T>(&mut self, result: Result<Result<T, BoxError>, ExitReason>) -> Result<T, ExitReason> {
        let flushed = self.flushed.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.hands.outlet.emit(flushed);
        let failure = match result {
            Ok(Ok(output)) => {
                self.hands.outlet.emit(&mut self.emitted);
                return Ok(output);
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
            match message {
                Message::Envelope(message) => run!(self, |kind, out| message.open(kind.stage(), out))?,
                Message::Join(join) => self.hands.inlet.join(join),
            }
        }
        self.join().await?;
        self.notice().await
    }

    /// Makes the subscriptions that are to be made.
    async fn join(&mut self) -> Result<(), ExitReason> {
        while let Some(begun) = self.hands.inlet.begin() {
            let subscription = &begun.subscription;
            let asking = run!(self, |kind, out| kind.subscribed(Role::Producer, subscription, out))?;
            self.hands.inlet.complete(begun, asking);
        }
        Ok(())
    }

    /// Tells the stage of subscribers that came and went.
    async fn notice(&mut self) -> Result<(), ExitReason> {
        while let Some(Notice { subscription, cancellation }) = self.hands.outlet.next_notice() {
            let subscription = &subscription;
            match cancellation {
                None => {
                    run!(self, |kind, out| kind.subscribed(Role::Consumer, subscription, out))?;
                }
                Some(cancellation) => {
                    let cancellation = &cancellation;
                    run!(self, |kind, out| kind.cancelled(Role::Consumer, subscription, cancellation, out))?;
                }
            }
        }
        Ok(())
    }

    /// A subscription to a producer ended: tells the stage; the reason for which it ends too, if it does.
    async fn gone(&mut self, gone: Gone) -> Result<Option<ExitReason>, ExitReason> {
        let Gone { subscription, cancellation, mode, refused } = gone;
        let (subscription, given) = (&subscription, &cancellation);
        run!(self, |kind, out| kind.cancelled(Role::Producer, subscription, given, out))?;
        let ends = match mode {
            // A pipeline restarts what failed; a subscription that cannot be made fails the stage.
            None => return refused.map_or(Ok(None), |error| Err(ExitReason::Error(Arc::new(error)))),
            Some(CancelMode::Permanent) => true,
            Some(CancelMode::Transient) => !cancellation.reason.is_normal(),
            Some(CancelMode::Temporary) => false,
        };
        Ok(ends.then_some(cancellation.reason))
    }

    /// A batch, or a demand, of `events` is about to be handled.
    fn begin_batch(&self, events: usize) {
        tracing::trace!(events, "batch");
        self.core.counters.batch();
    }

    /// Notes the subscription with `slot`; the one that the last batch came by is not cloned again.
    fn came_by(&mut self, slot: usize) {
        let from = self.hands.inlet.subscription(slot);
        if self.from.as_ref() != from {
            self.from = from.cloned();
        }
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
        // A finished stage will not be back; any other end may be followed by a restart.
        if matches!(reason, ExitReason::Normal) {
            self.hands.port.mailbox.close(&reason);
        }
        self.hands.inlet.close(&reason);
        self.hands.outlet.close(&Closed::by(&reason));
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
            let kind = &mut $body.kind;
            let given = reason.clone();
            if let Err(panicked) = attend(async { kind.terminate(&given).await }, |_| {}).await {
                reason = panicked;
            }
        }
        $body.close(reason)
    }};
}

/// Runs the callback for one batch; its emptied buffer goes back.
macro_rules! handle {
    ($body:expr, $slot:expr, $batch:expr, |$kind:ident, $events:ident, $out:ident| $callback:expr) => {{
        let Batch { mut events, .. } = $batch;
        $body.begin_batch(events.len());
        $body.came_by($slot);
        let from = $body.from.take();
        debug_assert!(from.is_some(), "a batch comes by a subscription that stands");
        if let Some(from) = &from {
            let $events = Events { buffer: &mut events, from };
            run!($body, |$kind, $out| $callback)?;
        }
        $body.from = from;
        $body.hands.inlet.handled($slot, events);
    }};
}

/// Runs a stage from its `init` to its end. (A macro for the reason that `run` is one.)
macro_rules! live {
    ($kind:expr, $core:ident, $port:ident, $inlet:ident, $outlet:ident, $ready:ident, $work:ident) => {{
        let mut body = Body::new($kind, $core, $port, $inlet, $outlet);
        let Body { kind, core, .. } = &mut body;
        let init = attend(async { kind.init(&mut Context { core }).await }, |_| {}).await;
        let reason = match begin(init, $ready).await {
            Ok(()) => $work(&mut body).await.unwrap_or_else(|reason| reason),
            Err(reason) => reason,
        };
        end!(body, reason)
    }};
}

/// Runs a producer until it ends, and says why it did.
pub(crate) async fn producer<P: Producer>(
    stage: P,
    core: Core,
    port: Port<P, Nothing, P::Event>,
    inlet: Inlet<Nothing>,
    outlet: Outlet<P::Event>,
    ready: Ready,
) -> ExitReason {
    live!(Producing(stage), core, port, inlet, outlet, ready, produce)
}

async fn produce<P: Producer>(body: &mut Body<Producing<P>>) -> Result<ExitReason, ExitReason> {
    loop {
        body.turn().await?;
        if body.hands.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if body.core.finished || body.hands.port.is_draining() {
            if body.is_done() {
                return Ok(ExitReason::Normal);
            }
        } else if let Some(demand) = body.hands.outlet.next_demand() {
            body.begin_batch(demand.get());
            run!(body, |kind, out| kind.0.handle_demand(demand, out))?;
            continue;
        }
        body.park(WantsCredit::Yes).await;
    }
}

/// Runs a producer-consumer until it ends, and says why it did.
pub(crate) async fn producer_consumer<S: ProducerConsumer>(
    stage: S,
    core: Core,
    port: Port<S, S::In, S::Out>,
    inlet: Inlet<S::In>,
    outlet: Outlet<S::Out>,
    ready: Ready,
) -> ExitReason {
    live!(Transforming(stage), core, port, inlet, outlet, ready, transform)
}

/// Handles batches while events are wanted; a message that was begun is handled whole (spec §12).
async fn transform<S: ProducerConsumer>(body: &mut Body<Transforming<S>>) -> Result<ExitReason, ExitReason> {
    body.hands.inlet.open();
    let mut begun = false;
    let mut ending = None;
    loop {
        body.turn().await?;
        body.hands.outlet.ignore_demand();
        if body.hands.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if body.core.finished || body.hands.inlet.has_ended() {
            ending.get_or_insert(ExitReason::Normal);
        }
        if let Some(reason) = &ending {
            if body.is_done() {
                return Ok(reason.clone());
            }
            body.park(WantsCredit::Yes).await;
            continue;
        }
        let wanted = begun || body.hands.outlet.wanted() > 0;
        match body.hands.inlet.receive(if wanted { Appetite::All } else { Appetite::Ends }) {
            Received::Batch(slot, batch) => {
                begun = batch.more;
                handle!(body, slot, batch, |kind, events, out| kind.0.handle_events(events, out));
            }
            Received::Gone(gone) => ending = body.gone(gone).await?,
            Received::Nothing => {
                begun = false;
                body.park(body.hands.wants_credit()).await;
            }
        }
    }
}

/// Runs a consumer until it ends, and says why it did.
pub(crate) async fn consumer<C: Consumer>(
    stage: C,
    core: Core,
    port: Port<C, C::Event, Nothing>,
    inlet: Inlet<C::Event>,
    outlet: Outlet<Nothing>,
    ready: Ready,
) -> ExitReason {
    live!(Consuming(stage), core, port, inlet, outlet, ready, consume)
}

async fn consume<C: Consumer>(body: &mut Body<Consuming<C>>) -> Result<ExitReason, ExitReason> {
    body.hands.inlet.open();
    loop {
        body.turn().await?;
        if body.core.finished || body.hands.inlet.has_ended() {
            return Ok(ExitReason::Normal);
        }
        match body.hands.inlet.receive(Appetite::All) {
            Received::Batch(slot, batch) => {
                handle!(body, slot, batch, |kind, events, out| kind
                    .0
                    .handle_events(events, &mut Context { core: &mut *out.core }));
            }
            Received::Gone(gone) => {
                if let Some(reason) = body.gone(gone).await? {
                    return Ok(reason);
                }
            }
            Received::Nothing => body.park(WantsCredit::No).await,
        }
    }
}
