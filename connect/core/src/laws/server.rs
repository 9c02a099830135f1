//! A server for the laws, and the runtime in which they run.

use std::ops::Range;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::pull::Pull;

/// The longest time that a law takes.
const LIMIT: Duration = Duration::from_secs(300);

/// The numbers of messages on a server.
///
/// ```
/// use stage_connect::laws::Counts;
///
/// let counts = Counts { ready: 3, in_flight: 2, dead: 1 };
/// assert_eq!(counts.all(), 5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that are not delivered to any consumer, with those that wait for a retry.
    pub ready: u64,
    /// Messages that are delivered and not settled.
    pub in_flight: u64,
    /// Messages that were set aside as dead letters.
    pub dead: u64,
}

impl Counts {
    /// Returns the number of messages that are not settled.
    pub const fn all(self) -> u64 {
        self.ready + self.in_flight
    }
}

/// The clock of a law.
///
/// ```
/// use stage_connect::laws::{Clock, LawServer};
/// use stage_connect::memory::MemoryServer;
///
/// assert_eq!(<MemoryServer<u64> as LawServer>::CLOCK, Clock::Paused);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine, for a server in a process of its own.
    Real,
    /// A clock that stands still while anything can run, for a server in the same process.
    Paused,
}

/// A server that the laws run against. Each law starts a new one with an empty queue.
pub trait LawServer: Send + Sized + 'static {
    /// The connector.
    type Pull: Pull;

    /// The clock of the laws. Default: the clock of the machine.
    const CLOCK: Clock = Clock::Real;

    /// Whether the server counts a delivery as an attempt although the message was
    /// [released](crate::Disposition::Release).
    const COUNTS_RELEASES: bool = false;

    /// Whether the server has a number of dead messages; otherwise [`Counts::dead`] is not looked at.
    const COUNTS_DEAD: bool = true;

    /// Starts the server and creates the queue; `None` skips the law, because the server is not installed (see
    /// [`installed`](super::installed)).
    fn start() -> impl Future<Output = Option<Self>> + Send;

    /// Returns a function that makes clients. A lease, if there are any, lasts a few seconds at most.
    fn clients(&self) -> impl Fn() -> Self::Pull + Send + 'static;

    /// Returns the number that [`publish`](Self::publish) put into a message.
    fn number(message: &<Self::Pull as Pull>::Message) -> u64;

    /// Publishes a message for each number, in order, by a client other than the connector.
    fn publish(&mut self, numbers: Range<u64>) -> impl Future<Output = ()> + Send;

    /// Asks the server for the numbers of its messages, by a client other than the connector.
    fn counts(&mut self) -> impl Future<Output = Counts> + Send;

    /// Breaks all connections of connectors. Default: the server goes away and comes back.
    fn break_connections(&mut self) -> impl Future<Output = ()> + Send {
        async {
            self.stop().await;
            self.restart().await;
        }
    }

    /// Takes the server away, such that its messages survive.
    fn stop(&mut self) -> impl Future<Output = ()> + Send;

    /// Brings the server back, at the same address with the same messages.
    fn restart(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs a law against a new server.
///
/// # Panics
///
/// If the connector violates the law, or the law takes more than 5 minutes.
pub fn run<S: LawServer, F: Future<Output = ()>>(law: impl FnOnce(S) -> F) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(S::CLOCK == Clock::Paused)
        .build()
        .expect("a runtime for the test");
    runtime.block_on(async {
        let Some(server) = S::start().await else { return };
        timeout(LIMIT, law(server)).await.expect("the law ends within 5 minutes");
    });
}
