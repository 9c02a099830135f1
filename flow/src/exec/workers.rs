//! The threads that flows run on, separate from those of a service that embeds a flow.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::error::FlowError;
use crate::options::cores;
use crate::sync::lock;

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

/// Runs a future on these workers. It is boxed, as tokio's code of a task is compiled again for each type of future.
pub(crate) fn spawn(workers: Workers, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> JoinHandle<()> {
    match workers {
        Workers::Own => own().spawn(future),
        Workers::Current => tokio::spawn(future),
    }
}

/// Runs a future on these workers and returns its output; returns an error if it panicked or its runtime was shut down.
/// The future goes on if this one is dropped.
pub(crate) async fn run_on<T: Send + 'static>(
    workers: Workers,
    future: impl Future<Output = Result<T, FlowError>> + Send + 'static,
) -> Result<T, FlowError> {
    let output = Arc::new(Mutex::new(None));
    let written = Arc::clone(&output);
    let task = async move {
        let output = future.await;
        *lock(&written) = Some(output);
    };
    // The output is missing if the task was cut off.
    let _ended = spawn(workers, Box::pin(task)).await;
    let output = lock(&output).take();
    output.unwrap_or(Err(FlowError::Stopped))
}
