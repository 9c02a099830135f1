//! The runtimes of the contenders: one tokio runtime with two workers, and others with one.

use std::{cell::OnceCell, error::Error, io, rc::Rc};

use tokio::runtime::{Builder, Runtime};

/// Number of worker threads of the runtime.
pub const WORKERS: usize = 2;

/// Builds the multi-threaded runtime that all contenders of a process share.
///
/// # Errors
///
/// If the operating system refuses the threads or the event queue.
pub fn runtime() -> io::Result<Runtime> {
    with_workers(WORKERS)
}

fn with_workers(workers: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// The runtime of a workload.
#[derive(Clone, Debug)]
pub(crate) enum Workers {
    /// The runtime of the process.
    Shared,
    /// A runtime with one worker, built in the first round: no contender wakes another core.
    One(Rc<OnceCell<io::Result<Runtime>>>),
}

impl Workers {
    pub(crate) fn one() -> Self {
        Self::One(Rc::default())
    }

    /// # Errors
    ///
    /// As [`runtime`].
    pub(crate) fn runtime<'a>(&'a self, shared: &'a Runtime) -> Result<&'a Runtime, Box<dyn Error>> {
        match self {
            Self::Shared => Ok(shared),
            Self::One(own) => {
                own.get_or_init(|| with_workers(1)).as_ref().map_err(|error| error.to_string().into())
            }
        }
    }
}
