//! The source on a [`Pull`].

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use stage_core::ack::{Deliveries, Delivery, Waiting};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
use tokio::time::{Instant, sleep, sleep_until};

use super::shared::{Held, Shared, ending};
use super::teller::Teller;
use crate::error::{ConnectError, ErrorKind};
use crate::outage::{Outage, answer};
use crate::pull::{Pull, Pulled};
use crate::pull_options::PullOptions;
use crate::settle::Settle;

/// The longest wait for the server while the pipeline starts.
const AT_START: Duration = Duration::from_secs(5);

/// The pause after a pull that returned nothing at once, so that a server that does not wait keeps no core busy.
const PAUSE: Duration = Duration::from_millis(10);

/// Creates a source of the messages that `pull` receives.
///
/// The source pulls as many messages as there is demand for, and acknowledges each when its delivery is acknowledged.
/// A message that fails is delivered again, and is dead after as many attempts as the options allow.
///
/// ```no_run
/// use stage_connect::{Pull, PullOptions, source};
/// use stage_core::{Pipeline, StartError};
///
/// async fn run<P: Pull<Message = String>>(queue: impl Fn() -> P + Send + 'static) -> Result<(), Box<dyn std::error::Error>> {
///     let pipeline = Pipeline::builder("orders")
///         .start("queue", move || Ok(source::pulled(queue(), PullOptions::new())))
///         .acknowledged()
///         .finish_fn("print", |order| println!("{order}"));
///     pipeline.start().await?.join().await?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// The source connects when the pipeline starts. A [fatal](ConnectError::fatal) error is returned by the start, or
/// ends the pipeline later. While the server is away, the source waits and connects again, without limit; the
/// pipeline keeps running, and [`stalls`](stage_core::Running::stalls) and the board name the server. A
/// [fenced](ConnectError::fenced) source hands out nothing more, its verdicts are void, and its stage is restarted by
/// the recipe.
///
/// # Ordering
///
/// Messages are delivered in the order of the server. With [`Acks::Prefix`](crate::Acks::Prefix), a message that
/// failed is pulled again together with all messages behind it, once these are judged.
///
/// # Cancel safety
///
/// A drain ends a pull at once; messages that the server was about to send remain on the server.
pub fn pulled<P: Pull>(pull: P, options: PullOptions) -> PulledSource<P> {
    PulledSource {
        server: pull.describe(),
        shared: Shared::new(P::ACKS),
        outage: Outage::new(options.reconnections()),
        pull,
        options,
        deliveries: None,
        connection: Connection::Closed,
        position: 0,
        failed: 0,
    }
}

/// The source made by [`pulled`].
///
/// ```
/// use stage_connect::source::{self, PulledSource};
/// use stage_connect::{Pull, PullOptions};
///
/// /// Makes a source that tries each message once.
/// fn once<P: Pull>(pull: P) -> PulledSource<P> {
///     source::pulled(pull, PullOptions::new().attempts(1))
/// }
/// ```
#[must_use = "a source does nothing outside of a pipeline"]
pub struct PulledSource<P: Pull> {
    pull: P,
    server: String,
    options: PullOptions,
    shared: Arc<Shared<P::Receipt>>,
    deliveries: Option<Deliveries<Held<P::Receipt>>>,
    connection: Connection,
    outage: Outage,
    /// The position of the next message.
    position: u64,
    /// The failed attempts of the next message, which a server of prefixes does not count.
    failed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Open,
    Closed,
}

/// The outcome of a pull.
enum Next<M, R> {
    Messages(Vec<Pulled<M, R>>),
    /// No message can come any more.
    End,
}

impl<P: Pull> PulledSource<P> {
    /// Waits for messages. Cancel safe.
    async fn next(
        &mut self,
        at_most: NonZeroUsize,
        out: &mut Emitter<'_, Delivery<P::Message>>,
    ) -> Result<Next<P::Message, P::Receipt>, BoxError> {
        loop {
            if let Some(error) = self.shared.failure() {
                return Err(ending(error));
            }
            if self.shared.rewind().is_some() {
                self.rewind().await;
                continue;
            }
            if self.pull.is_finished() {
                if self.shared.is_judged(self.position) {
                    return Ok(Next::End);
                }
                self.wait_for_verdicts().await;
                continue;
            }
            if self.connection == Connection::Closed {
                self.connect(out).await?;
            }
            let asked = Instant::now();
            match self.pull(at_most).await {
                None => {}
                Some(Err(error)) => self.lose(error, out)?,
                Some(Ok(messages)) => {
                    self.outage.ended();
                    if !messages.is_empty() {
                        return Ok(Next::Messages(messages));
                    }
                    if asked.elapsed() < PAUSE.min(self.options.wait) {
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Pulls once; returns `None` if the collector needs the attention of this source.
    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
    ) -> Option<Result<Vec<Pulled<P::Message, P::Receipt>>, ConnectError>> {
        let limit = self.options.wait.saturating_add(self.options.answer);
        let pulled = self.pull.pull(at_most, self.options.wait);
        tokio::select! {
            biased;
            () = self.shared.until(|shared| shared.failure().is_some() || shared.rewind().is_some()) => None,
            pulled = answer(&self.server, "cannot pull", limit, pulled) => Some(pulled),
        }
    }

    /// Connects, and tries again after each transient error.
    async fn connect(&mut self, out: &mut Emitter<'_, Delivery<P::Message>>) -> StageResult {
        loop {
            if let Some(delay) = self.outage.delay() {
                sleep(delay).await;
            }
            let connected = self.pull.connect();
            match answer(&self.server, "cannot connect", self.options.answer, connected).await {
                Ok(()) => {
                    self.connection = Connection::Open;
                    out.set_waiting_for(None);
                    tracing::info!(server = self.server, "connected");
                    return Ok(());
                }
                Err(error) => self.lose(error, out)?,
            }
        }
    }

    /// Notes that the connection is lost; returns an error that ends the stage.
    fn lose(&mut self, error: ConnectError, out: &mut Emitter<'_, Delivery<P::Message>>) -> StageResult {
        self.connection = Connection::Closed;
        match error.kind() {
            ErrorKind::Gone => {
                self.outage.failed();
                tracing::warn!(%error, "waiting for the server");
                out.set_waiting_for(Some(&format!("the server {error}")));
                Ok(())
            }
            ErrorKind::Fenced | ErrorKind::Fatal => Err(ending(self.shared.fail(error))),
        }
    }

    /// Waits until everything pulled is judged, then goes back to the message that stopped the run.
    async fn rewind(&mut self) {
        let Some((at, repeat)) = self.shared.rewind() else { return };
        self.wait_for_verdicts().await;
        if self.shared.failure().is_some() || !self.shared.is_judged(self.position) {
            return;
        }
        sleep_until(at).await;
        self.shared.restart();
        self.connection = Connection::Closed;
        (self.position, self.failed) = (0, repeat.failed);
    }

    async fn wait_for_verdicts(&mut self) {
        if let Some(deliveries) = &self.deliveries {
            deliveries.set_waiting(Waiting::ForVerdicts);
        }
        let (position, rewinds) = (self.position, self.shared.rewind().is_some());
        let changed = |shared: &Shared<_>| {
            shared.is_judged(position) || shared.failure().is_some() || shared.rewind().is_some() != rewinds
        };
        self.shared.until(changed).await;
    }

    fn deliver(
        &mut self,
        messages: Vec<Pulled<P::Message, P::Receipt>>,
        out: &mut Emitter<'_, Delivery<P::Message>>,
    ) {
        let Some(deliveries) = &self.deliveries else { return };
        deliveries.set_waiting(Waiting::No);
        let messages = messages.into_iter().map(|Pulled { message, receipt, attempt }| {
            let attempt = attempt.max(1).saturating_add(std::mem::take(&mut self.failed));
            let held = Held { receipt, attempt, position: self.position };
            self.position += 1;
            (message, held)
        });
        let delivered = deliveries.deliver(messages);
        #[cfg(feature = "trace")]
        let delivered = delivered.map(crate::trace::continued::<P>);
        out.extend(delivered);
    }
}

impl<P: Pull> Producer for PulledSource<P> {
    type Event = Delivery<P::Message>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.set_waiting_for(None);
        let settle = self.pull.settle_half();
        let options = self.options.acknowledgement(settle.lease());
        let teller = Teller::new(settle, self.server.clone(), Arc::clone(&self.shared), self.options);
        self.deliveries = Some(cx.acknowledge_by(teller, options));
        let limit = self.options.answer.min(AT_START);
        match answer(&self.server, "cannot connect", limit, self.pull.connect()).await {
            Ok(()) => self.connection = Connection::Open,
            Err(error) if error.kind() == ErrorKind::Gone => {
                self.outage.failed();
                tracing::warn!(%error, "waiting for the server");
                cx.set_waiting_for(Some(&format!("the server {error}")));
            }
            Err(error) => return Err(ending(Arc::new(error))),
        }
        Ok(Init::Ready)
    }

    async fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Delivery<P::Message>>,
    ) -> StageResult {
        let mut draining = pin!(out.draining());
        let mut wanted = demand.get();
        while let Some(at_most) = NonZeroUsize::new(wanted.min(self.options.at_most)) {
            let next = tokio::select! {
                biased;
                () = &mut draining => return Ok(()),
                next = self.next(at_most, out) => next?,
            };
            match next {
                Next::Messages(messages) => {
                    wanted = wanted.saturating_sub(messages.len());
                    self.deliver(messages, out);
                    out.flush();
                }
                Next::End => {
                    out.finish();
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl<P: Pull> fmt::Debug for PulledSource<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulledSource").field("server", &self.server).finish_non_exhaustive()
    }
}
