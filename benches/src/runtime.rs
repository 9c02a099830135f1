//! The runtime of all contenders: one tokio runtime with two workers.

use tokio::runtime::{Builder, Runtime};

/// Number of worker threads of the runtime.
pub const WORKERS: usize = 2;

/// Builds the multi-threaded runtime that all contenders of a process share.
///
/// # Errors
///
/// If the operating system refuses the threads or the event queue.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
}
