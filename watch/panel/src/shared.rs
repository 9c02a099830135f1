//! The state that all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use stage_core::watch::Board;
use tokio::sync::watch;

use crate::dead_letters::Erased;
use crate::error::Refusal;
use crate::options::Options;
use crate::sampler::Sampler;

/// The number of streams of events that are open at once.
const STREAMS: usize = 64;

/// The state that all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) board: Board,
    pub(crate) options: Options,
    pub(crate) sampler: Arc<Sampler>,
    streams: AtomicUsize,
    /// Set when the server ends.
    pub(crate) ending: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(board: Board, options: Options) -> Arc<Self> {
        let sampler = Arc::new(Sampler::new(board.clone()));
        let (ending, _) = watch::channel(false);
        Arc::new(Self { board, options, sampler, streams: AtomicUsize::new(0), ending })
    }

    /// Returns the store of a pipeline's dead letters.
    pub(crate) fn dead_letters(&self, pipeline: &str) -> Result<Arc<dyn Erased>, Refusal> {
        let letters = self.options.dead_letters.get(pipeline).cloned();
        letters.ok_or_else(|| {
            Refusal::unknown(format!("`{pipeline}` shows no dead letters: `Options::dead_letters` adds them"))
        })
    }

    /// Counts a stream of events, until the result is dropped.
    pub(crate) fn open_stream(self: &Arc<Self>) -> Result<OpenStream, Refusal> {
        let stream = OpenStream(Arc::clone(self));
        if self.streams.fetch_add(1, Ordering::Relaxed) >= STREAMS {
            let line = format!("{STREAMS} viewers are connected: no more are served");
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, line));
        }
        Ok(stream)
    }
}

/// An open stream of events.
#[derive(Debug)]
pub(crate) struct OpenStream(Arc<Shared>);

impl OpenStream {
    /// Waits until the server ends.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ending = self.0.ending.subscribe();
        async move {
            if ending.wait_for(|ends| *ends).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
