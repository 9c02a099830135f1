//! Where does everything run? On one tokio runtime with two workers, shared by us and the peers.

use tokio::runtime::{Builder, Runtime};

/// How many worker threads the runtime has.
pub const WORKERS: usize = 2;

/// Builds the multi-threaded runtime that all contenders of a process share.
///
/// # Errors
///
/// When the operating system refuses the threads or the event queue.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
}
