//! The threads that flows run on: their own, so that a service that embeds a flow keeps its own.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::options::cores;

/// Where the stages of a flow run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// On threads that only flows run on, as many as there are cores, started with the first flow. What a
    /// flow computes so never keeps the tasks of a service waiting. Timers work there, and so do sockets if
    /// the program has tokio's feature `net`.
    #[default]
    Own,
    /// On the runtime of whoever starts the flow. For tests on paused time, and flows that mostly wait.
    Current,
}

/// The threads of [`Workers::Own`].
fn own() -> &'static Handle {
    static OWN: OnceLock<Runtime> = OnceLock::new();
    OWN.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(cores())
            .thread_name("flow")
            // Sockets too, if anything in the program has them compiled in.
            .enable_all()
            .build()
            .expect("threads can be started")
    })
    .handle()
}

/// Runs a future on these workers.
pub(crate) fn spawn<F>(workers: Workers, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match workers {
        Workers::Own => own().spawn(future),
        Workers::Current => tokio::spawn(future),
    }
}
