//! Lines between the file and the checkpoint.

use std::collections::{BTreeMap, VecDeque};

use stage_connect::{Disposition, Pulled};
use stage_core::ack::Offsets;
use tokio::time::Instant;

use crate::generation::Mark;
use crate::line::Line;
use crate::settle::Receipt;
use crate::tail::{Cut, Status};

/// The lines that were read and are not behind the checkpoint.
#[derive(Debug)]
pub(crate) struct Progress {
    offsets: Offsets<Mark>,
    /// Pieces of the file that were not delivered yet.
    ready: VecDeque<Cut>,
    /// Rejected lines, by the time of the next attempt.
    again: BTreeMap<(Instant, u64), Receipt>,
    /// The last position before which all lines are handled, since the checkpoint was opened.
    reached: Option<Mark>,
    /// The state of the file after the last read.
    pub(crate) status: Status,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            offsets: Offsets::new(),
            ready: VecDeque::new(),
            again: BTreeMap::new(),
            reached: None,
            status: Status::Lines,
        }
    }

    pub(crate) fn add(&mut self, cuts: Vec<Cut>, status: Status) {
        self.ready.extend(cuts);
        self.status = status;
    }

    /// Takes lines to deliver: those whose next attempt is due, then new ones while the window has room.
    pub(crate) fn take(&mut self, most: usize, window: usize, now: Instant) -> Vec<Pulled<Line, Receipt>> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(due) = self.again.first_entry().filter(|due| due.key().0 <= now)
        {
            let receipt = due.remove();
            taken.push(Pulled { message: receipt.line.clone(), attempt: receipt.attempt, receipt });
        }
        while taken.len() < most && self.offsets.window() < window {
            match self.ready.pop_front() {
                None => break,
                Some(Cut::Begin(mark)) => {
                    let position = self.offsets.open();
                    self.offsets.settle(position, mark);
                    self.advance();
                }
                Some(Cut::Line(line, mark)) => {
                    let receipt = Receipt { position: self.offsets.open(), attempt: 1, line, mark };
                    taken.push(Pulled { message: receipt.line.clone(), attempt: 1, receipt });
                }
            }
        }
        taken
    }

    /// Notes lines that are handled or dead.
    pub(crate) fn settle(&mut self, settled: &[(Receipt, Disposition)]) {
        for (receipt, disposition) in settled {
            match disposition {
                Disposition::Accept | Disposition::Dead { .. } => {
                    self.offsets.settle(receipt.position, receipt.mark.clone());
                }
                Disposition::Release | Disposition::Retry { .. } => {}
            }
        }
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(mark) = self.offsets.advance() {
            self.reached = Some(mark);
        }
    }

    /// Notes lines that are to be delivered again.
    pub(crate) fn repeat(&mut self, settled: &[(Receipt, Disposition)], now: Instant) {
        for (receipt, disposition) in settled {
            let (after, attempt) = match disposition {
                Disposition::Accept | Disposition::Dead { .. } => continue,
                Disposition::Release => (std::time::Duration::ZERO, receipt.attempt),
                Disposition::Retry { after } => (*after, receipt.attempt.saturating_add(1)),
            };
            let at = now.checked_add(after).unwrap_or(now);
            self.again.insert((at, receipt.position), Receipt { attempt, ..receipt.clone() });
        }
    }

    /// Returns the position for the checkpoint.
    pub(crate) fn reached(&self) -> Option<&Mark> {
        self.reached.as_ref()
    }

    /// Returns the time of the next attempt.
    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        self.again.first_key_value().map(|((at, _), _)| *at)
    }

    /// Returns whether there is a line to deliver, or no room for one.
    pub(crate) fn has_enough(&self, window: usize) -> bool {
        !self.ready.is_empty() || self.offsets.window() >= window
    }

    /// Returns whether everything that was read is handled or dead.
    pub(crate) fn is_done(&self) -> bool {
        self.ready.is_empty() && self.offsets.outstanding() == 0
    }
}
