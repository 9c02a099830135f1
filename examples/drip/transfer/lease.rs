//! A transfer under way, and the last step of it.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stage_core::{ack, piecewise};

use super::Failure;
use crate::repository::{Transfer, TransferId};

/// The event of both pipelines: one part of a transfer whose last stage makes an `E`.
pub type Piece<E, P> = piecewise::Event<Lease<E>, P>;

/// The key of keyed steps.
pub fn key<E, P>(piece: &ack::Piece<Lease<E>, P>) -> TransferId {
    piece.whole.transfer.id
}

/// A leased transfer, which all its pieces share. `E` is the result of its last stage.
#[derive(Debug)]
pub struct Lease<E> {
    /// The transfer.
    pub transfer: Transfer,
    moved: AtomicU64,
    end: Mutex<Option<E>>,
}

impl<E> Lease<E> {
    /// Creates the lease of a transfer of which nothing has arrived.
    pub fn new(transfer: Transfer) -> Self {
        Self { transfer, moved: AtomicU64::new(0), end: Mutex::new(None) }
    }

    /// Records that `bytes` bytes arrived at the last stage.
    pub fn moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the number of bytes that arrived at the last stage.
    pub(super) fn bytes_moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Leaves the result of the last stage, for [`Finish`].
    pub fn end(&self, end: E) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    pub(super) fn take_end(&self) -> Option<E> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A transfer all of whose pieces are handled, with the result of its last stage.
pub(super) type Ended<E> = (Arc<Lease<E>>, E);

/// The last step of the transfers of one direction.
pub trait Finish: Debug + Send + Sync + 'static {
    /// The result of the last stage.
    type End: Debug + Send + 'static;

    /// Makes results durable and records them, which also removes the transfers from the queue: in one transaction
    /// where a row is written. Returns the number of clear bytes of each, in the order of `ended`, or why it failed.
    fn finish(&self, ended: Vec<Ended<Self::End>>) -> impl Future<Output = Vec<Result<u64, Failure>>> + Send;
}
