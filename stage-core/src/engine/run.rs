//! The loop of one stage: a plain future, spawned in one place (`runtime/placement.rs`).
//!
//! Every turn takes in new arrivals, then runs at most one callback for events or demand. An idle stage parks
//! until its signal is marked; a stage that is never idle yields to other tasks now and then.

use tokio::sync::oneshot;

use super::attend::attend;
use super::body::{Body, run, turn};
use super::inlet::{Appetite, Inlet, Received};
use super::kind::{Consuming, Kind, Producing, Transforming};
use super::outlet::Outlet;
use super::port::Port;
use crate::base::error::{BoxError, ExitReason};
use crate::base::options::Pace;
use crate::base::stats::StageState;
use crate::stage::{
    Consumer, Context, Core, Emitter, Events, Init, Nothing, Producer, ProducerConsumer, is_used,
};
use crate::sync::Arc;
use crate::wire::protocol::Batch;
use crate::wire::signal::WantsCredit;

/// The start handshake of a stage: it reports that its `init` succeeded, and waits until the other stages are
/// up too.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) up: oneshot::Sender<()>,
    pub(crate) go: oneshot::Receiver<()>,
}

/// Handles the outcome of `init`: waits until all other stages are up, or returns the reason to end.
pub(super) async fn begin(
    init: Result<Result<Init, BoxError>, ExitReason>,
    Ready { up, go }: Ready,
) -> Result<(), ExitReason> {
    let init = init?.map_err(ExitReason::from)?;
    // If the pipeline was given up, the receiver is gone and `go` is never sent.
    let _ = up.send(());
    match init {
        Init::Ready => go.await.map_err(|_| ExitReason::Shutdown),
        Init::Declined => Err(ExitReason::Normal),
    }
}

/// Ends a stage: calls `terminate` unless it panicked, then closes its subscriptions.
macro_rules! end {
    ($body:ident, $reason:expr) => {{
        let mut reason = $reason;
        if !matches!(reason, ExitReason::Panicked(_))
            && let Err(panicked) = $body.give_back()
        {
            reason = panicked;
        }
        if !matches!(reason, ExitReason::Panicked(_)) {
            let kind = &mut $body.kind;
            let given = reason.clone();
            let timekeeper = &mut $body.timekeeper;
            let ended =
                attend(std::pin::pin!(async { kind.terminate(&given).await }), timekeeper, &mut |_| {}).await;
            if let Err(panicked) = ended {
                reason = panicked;
            }
            $body.answer();
        }
        $body.close(reason)
    }};
}
pub(super) use end;

/// Runs the callback for one batch; its emptied buffer returns to the producer.
macro_rules! handle {
    ($body:expr, $slot:expr, $batch:expr, |$kind:ident, $events:ident, $out:ident| $callback:expr) => {{
        let Batch { mut events, .. } = $batch;
        $body.core.begin_batch(events.len());
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

/// Runs a stage from its `init` to its end. (A macro for the same reason as `run`.)
macro_rules! live {
    ($kind:expr, $core:ident, $port:ident, $inlet:ident, $outlet:ident, $ready:ident, $work:ident) => {{
        let mailbox = Arc::clone(&$port.mailbox);
        let life = async {
            let mut body = Body::new($kind, $core, $port, $inlet, $outlet);
            let Body { kind, core, timekeeper, .. } = &mut body;
            let init = attend(
                std::pin::pin!(async { kind.init(&mut Context { core }).await }),
                timekeeper,
                &mut |_| {},
            )
            .await;
            timekeeper.rest(StageState::Starved);
            let begun = begin(init, $ready).await;
            body.timekeeper.work();
            let reason = match begun {
                Ok(()) => $work(&mut body).await.unwrap_or_else(|reason| reason),
                Err(reason) => reason,
            };
            end!(body, reason)
        };
        mailbox.run(life).await
    }};
}
pub(super) use live;

/// Runs a producer until it ends; returns the reason.
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
        turn!(body);
        if body.hands.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if body.core.finished || body.hands.port.is_draining() {
            if body.is_done() {
                return Ok(ExitReason::Normal);
            }
        } else if let Some(demand) = body.hands.outlet.next_demand() {
            body.core.begin_batch(demand.get());
            run!(body, |kind, out| kind.0.handle_demand(demand, out))?;
            continue;
        }
        body.park(WantsCredit::Yes).await;
    }
}

/// Runs a producer-consumer until it ends; returns the reason.
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

/// Handles batches while there is demand; a message that was begun is handled completely (spec §12).
async fn transform<S: ProducerConsumer>(body: &mut Body<Transforming<S>>) -> Result<ExitReason, ExitReason> {
    body.hands.inlet.open();
    let pace = body.core.pace;
    let mut begun = false;
    let mut ending = None;
    loop {
        turn!(body);
        if body.hands.outlet.tells_demand()
            && let Some(demand) = body.hands.outlet.all_demand()
        {
            let mut used = true;
            run!(body, |kind, out| {
                let hook = kind.0.handle_demand(demand, out);
                used = is_used(&hook);
                hook
            })?;
            if !used {
                body.hands.outlet.ignore_demand();
            }
            continue;
        }
        if body.hands.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if body.core.finished || body.hands.inlet.has_ended() {
            ending.get_or_insert(ExitReason::Normal);
        }
        if let Some(reason) = &ending {
            if body.is_done() && !body.core.holds.any() {
                return Ok(reason.clone());
            }
            body.park(WantsCredit::Yes).await;
            continue;
        }
        let wanted = (begun && pace == Pace::Message) || body.hands.outlet.wanted() > 0;
        match body.hands.inlet.receive(if wanted { Appetite::All } else { Appetite::Ends }) {
            Received::Batch(slot, batch) => {
                begun = batch.more;
                handle!(body, slot, batch, |kind, events, out| kind.0.handle_events(events, out));
            }
            Received::Gone(gone) => ending = body.gone(*gone).await?,
            Received::Nothing => {
                begun = false;
                body.park(body.hands.wants_credit()).await;
            }
        }
    }
}

/// Runs a consumer until it ends; returns the reason.
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
    let mut ending = None;
    loop {
        turn!(body);
        if body.core.finished || body.hands.inlet.has_ended() {
            ending.get_or_insert(ExitReason::Normal);
        }
        if let Some(reason) = &ending {
            if !body.core.holds.any() {
                return Ok(reason.clone());
            }
            body.park(WantsCredit::No).await;
            continue;
        }
        match body.hands.inlet.receive(Appetite::All) {
            Received::Batch(slot, batch) => {
                handle!(body, slot, batch, |kind, events, out| kind
                    .0
                    .handle_events(events, &mut Context { core: &mut *out.core }));
            }
            Received::Gone(gone) => ending = body.gone(*gone).await?,
            Received::Nothing => body.park(WantsCredit::No).await,
        }
    }
}
