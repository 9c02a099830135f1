//! The threads that flows run on, separate from those of a service that embeds a flow.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::options::cores;

/// The threads that run the stages of a flow.
///
/// [`Own`](Self::Own), the default, is one tokio runtime for all flows of the process:
///
/// * **Creation**: the first flow that starts with [`Own`](Self::Own) creates it. A program whose flows all run
///   on [`Current`](Self::Current) never has it.
/// * **Threads**: as many workers as there are cores, named `flow`, and the threads of tokio's `spawn_blocking`
///   on demand. Flows that run at the same time share them.
/// * **Lifetime**: it is never shut down. Without flows its threads wait and use no processor time; they end
///   with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// Threads that only flows use: the computations of a flow never delay the tasks of a service. Timers work
    /// there, and so do sockets if the program has tokio's feature `net`.
    #[default]
    Own,
    /// The runtime that the caller is on. For tests on paused time, and flows that mostly wait.
    Current,
}

/// Returns the threads of [`Workers::Own`].
fn own() -> &'static Handle {
    static OWN: OnceLock<Runtime> = OnceLock::new();
    OWN.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(cores())
            .thread_name("flow")
            // Includes I/O if any crate of the program enables it in tokio.
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
