//! Writes the results of a flow to a file.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use stage_core::BoxError;
use tokio::runtime::Handle;

use super::{AtomicFile, EventWriter, WriteError};
use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::Workers;
use crate::flow::Flow;

/// The number of events that are written in one go, away from the threads of the runtime.
const AT_ONCE: usize = 1024;

impl<C: Chain> Flow<C> {
    /// Runs the flow and writes its results to a file by the writer that `make` returns; see
    /// [`write_lines`](Self::write_lines). Returns the number of events.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write_lines`](Self::write_lines).
    #[doc(hidden)]
    pub async fn write_with<W>(
        &self,
        path: impl AsRef<Path>,
        make: impl FnOnce(AtomicFile) -> Result<W, BoxError>,
    ) -> Result<u64, WriteError>
    where
        W: EventWriter<C::Out>,
    {
        let path = path.as_ref();
        let file = AtomicFile::create(path).map_err(|source| WriteError::file(path, source))?;
        let writer = make(file).map_err(|source| WriteError::of(path, 0, source))?;
        let mut output = Output { path: path.to_owned(), writer, events: 0 };
        let mut results = self.stream_on(Workers::Own).await?.ready_chunks(AT_ONCE);
        while let Some(some) = results.next().await {
            let some = some.into_iter().collect::<Result<Vec<_>, FlowError>>()?;
            output = may_block(move || output.write(some)).await??;
        }
        may_block(move || output.finish()).await?
    }
}

/// A file that is being written.
struct Output<W> {
    path: PathBuf,
    writer: W,
    events: u64,
}

impl<W> Output<W> {
    fn write<T>(mut self, events: Vec<T>) -> Result<Self, WriteError>
    where
        W: EventWriter<T>,
    {
        for event in events {
            self.events += 1;
            self.writer.write(event).map_err(|source| WriteError::of(&self.path, self.events, source))?;
        }
        Ok(self)
    }

    fn finish<T>(self) -> Result<u64, WriteError>
    where
        W: EventWriter<T>,
    {
        let Self { path, writer, events } = self;
        let file = writer.finish().map_err(|source| WriteError::of(&path, events, source))?;
        file.commit().map_err(|source| WriteError::file(&path, source))?;
        Ok(events)
    }
}

/// Calls a function on a thread that may block; outside of a runtime, that is the thread of the caller.
async fn may_block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, WriteError> {
    let Ok(runtime) = Handle::try_current() else { return Ok(work()) };
    match runtime.spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(FlowError::Stopped.into()),
    }
}
