//! A server for the laws, and the runtime in which they run.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::edge::Edge;

/// The longest time that a law takes.
const LIMIT: Duration = Duration::from_secs(300);

/// A server that the laws run against. Each law starts one without frames.
pub trait PoolServer: Send + Sync + Sized + 'static {
    /// The server as its clients see it.
    type Edge: Edge;

    /// Starts the server; `None` skips the law, because it is not installed.
    fn start() -> impl Future<Output = Option<Self>> + Send;

    /// Returns a client that shares nothing with the others, as that of another process.
    fn client(&self) -> impl Future<Output = Self::Edge> + Send;
}

/// Runs a law against a new server, in a runtime with two threads.
///
/// # Panics
///
/// If the server violates the law, or the law takes more than 5 minutes.
pub fn run<S: PoolServer, F: Future<Output = ()>>(law: impl FnOnce(S) -> F) {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime for the test");
    runtime.block_on(async {
        let Some(server) = S::start().await else { return };
        timeout(LIMIT, law(server)).await.expect("the law ends within 5 minutes");
    });
}
