//! Waits for a crossbeam channel without blocking a worker of the runtime.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crossbeam_channel::{Receiver, Select, Sender, bounded};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// A blocking thread of the runtime that waits until a channel is ready, without receiving or sending
/// anything.
///
/// Ready means that an attempt is worthwhile; another thread may still be faster. The thread is released as
/// soon as the channel is ready or the watch is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    ready: JoinHandle<()>,
    /// Dropping this sender ends the wait.
    _watched: Sender<Infallible>,
}

impl Watch {
    /// Waits until there is something to receive, or all senders are gone.
    pub(crate) fn receiver<E: Send + 'static>(receiver: &Receiver<E>) -> Self {
        let receiver = receiver.clone();
        Self::start(move |dropped| {
            let mut select = Select::new();
            select.recv(&receiver);
            select.recv(dropped);
            select.ready();
        })
    }

    /// Waits until there is room, or all receivers are gone.
    pub(crate) fn sender<E: Send + 'static>(sender: &Sender<E>) -> Self {
        let sender = sender.clone();
        Self::start(move |dropped| {
            let mut select = Select::new();
            select.send(&sender);
            select.recv(dropped);
            select.ready();
        })
    }

    fn start(wait: impl FnOnce(&Receiver<Infallible>) + Send + 'static) -> Self {
        let (watched, dropped) = bounded(0);
        Self { ready: spawn_blocking(move || wait(&dropped)), _watched: watched }
    }
}

/// Resolves when the channel is ready; fails if the runtime shuts down.
impl Future for Watch {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.ready).poll(cx)
    }
}
