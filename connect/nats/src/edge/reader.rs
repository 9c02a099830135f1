//! The state that both halves of an inlet share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use stage_connect::{ConnectError, Pulled};
use stage_edge::{EdgeSpec, Epoch, Partition};
use tokio::time::Instant;

use super::guard::{Guard, Standing};
use super::handover::Handover;
use super::line::Line;
use super::names::Names;
use crate::error::ApiError;
use crate::link::Link;
use crate::options::ReadOptions;
use crate::read::Received;

/// Identifies one delivery of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsReceipt {
    pub(super) reply: Arc<str>,
    pub(super) position: u64,
    pub(super) attempt: u32,
}

impl NatsReceipt {
    /// Returns the place of the frame in the stream of its edge. It grows within a partition, and is the same at each
    /// delivery.
    pub const fn position(&self) -> u64 {
        self.position
    }
}

/// The frames that an inlet receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Those of one partition, in order.
    Partition(Partition, Epoch),
    /// All frames of a pool, shared with other processes.
    Pool,
}

/// What both halves of an inlet know.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) line: Line,
    pub(super) names: Names,
    pub(super) role: Role,
    /// The consumer.
    pub(super) options: ReadOptions,
    /// The report that the receiving half may send.
    pub(super) handover: Handover,
    guard: Guard,
    frames: Mutex<Frames>,
}

#[derive(Debug, Default)]
struct Frames {
    /// The frames that are neither settled nor given up, by their positions.
    in_hand: HashMap<u64, InHand>,
    /// The number of times a frame was released by this process. The server counts each of these deliveries as an attempt.
    released: HashMap<u64, u32>,
}

impl Reader {
    pub(super) fn new(line: Line, spec: &EdgeSpec, role: Role, guard: Guard) -> Self {
        let names = Names::of(spec);
        let (consumer, subject, at_once) = match role {
            Role::Partition(partition, epoch) => {
                (Names::consumer(partition, epoch), names.subject(partition), spec.frames_in_flight)
            }
            Role::Pool => (Names::pool(), names.subject(Partition(0)), spec.pool_window),
        };
        let options = ReadOptions::new(names.stream(), consumer)
            .filter(subject)
            .lease(spec.ack_wait)
            .open_at_most(at_once);
        let handover = Handover::default();
        Self { line, names, role, options, handover, guard, frames: Mutex::default() }
    }

    pub(super) fn describe(&self) -> String {
        let (server, edge) = (self.line.server().name(), self.names.edge());
        match self.role {
            Role::Partition(partition, epoch) => {
                format!("{server} edge `{edge}` partition {partition} epoch {epoch}")
            }
            Role::Pool => format!("{server} edge `{edge}`"),
        }
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that the epoch may hand out frames at this moment.
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        match self.standing() {
            Standing::Unknown | Standing::Good => Ok(()),
            Standing::Overdue => {
                Err(ConnectError::gone(self.describe(), "nothing is handed out", "the lease is overdue"))
            }
            Standing::Lost => Err(self.fenced()),
        }
    }

    pub(super) fn check_lost(&self) -> Result<(), ConnectError> {
        match self.standing() {
            Standing::Unknown | Standing::Good | Standing::Overdue => Ok(()),
            Standing::Lost => Err(self.fenced()),
        }
    }

    fn standing(&self) -> Standing {
        match self.role {
            Role::Partition(partition, epoch) => {
                self.guard.standing(&self.names.lease(partition), epoch, Instant::now())
            }
            Role::Pool => Standing::Unknown,
        }
    }

    pub(super) fn fenced(&self) -> ConnectError {
        ConnectError::fenced(self.describe(), "the partition belongs to a later epoch")
    }

    /// Numbers the attempts of a frame and notes that it is in hand.
    pub(super) fn pulled(&self, received: Received) -> Pulled<Bytes, NatsReceipt> {
        let Received { message, reply, delivered } = received;
        let mut frames = self.frames();
        let released = frames.released.get(&message.sequence).copied().unwrap_or(0);
        let attempt = delivered.saturating_sub(released).max(1);
        let receipt = NatsReceipt { reply: reply.into(), position: message.sequence, attempt };
        let in_hand = InHand { frame: message.payload.clone(), reply: Arc::clone(&receipt.reply) };
        frames.in_hand.insert(message.sequence, in_hand);
        Pulled { message: message.payload, receipt, attempt }
    }

    /// Returns the number of frames that are neither settled nor given up.
    pub(super) fn in_hand(&self) -> usize {
        self.frames().in_hand.len()
    }

    /// Returns a frame in hand.
    pub(super) fn frame(&self, position: u64) -> Option<Bytes> {
        self.frames().in_hand.get(&position).map(|in_hand| in_hand.frame.clone())
    }

    /// Notes that the delivery of a frame has left this process, and whether it was released.
    pub(super) fn settled(&self, receipt: &NatsReceipt, left: Left) {
        let (mut frames, position) = (self.frames(), receipt.position);
        // The server may deliver a frame again before its refusal is confirmed.
        if frames.in_hand.get(&position).is_some_and(|in_hand| in_hand.reply == receipt.reply) {
            frames.in_hand.remove(&position);
        }
        match left {
            Left::Handled => drop(frames.released.remove(&position)),
            Left::Released => *frames.released.entry(position).or_default() += 1,
            Left::Failed => {}
        }
    }

    /// Returns whether the consumer exists.
    pub(super) async fn exists(&self, link: &Link) -> Result<bool, ConnectError> {
        let (at, what) = (self.describe(), "cannot find the consumer");
        let ReadOptions { stream, consumer, .. } = &self.options;
        let info = link.consumer_info(stream, consumer).await;
        match info.map_err(|error| error.at(&at, what))? {
            Ok(_) => Ok(true),
            Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND => Ok(false),
            Err(error) => Err(error.at(&at, what)),
        }
    }
}

/// A frame in hand.
#[derive(Debug)]
struct InHand {
    frame: Bytes,
    /// The subject of the report on this delivery.
    reply: Arc<str>,
}

/// The reason for which a frame left the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Handled,
    Released,
    Failed,
}
