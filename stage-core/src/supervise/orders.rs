//! Drain and stop requests to a supervisor; a drain becomes a stop at its deadline.

use std::future::pending;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::report::Outcome;
use crate::base::moment::{after, until};

/// A request to a pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// End the sources and finish all events in flight; stop after this time.
    Drain(Duration),
    /// End now.
    Stop,
    /// Bring the copies of elastic steps to the wanted numbers.
    Rescale,
}

/// The supervisor's next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Drain,
    Stop,
    Rescale,
}

/// The source of commands, and the state of the shutdown.
#[derive(Debug)]
pub(super) struct Orders {
    /// `None` once all senders are gone.
    commands: Option<mpsc::UnboundedReceiver<Command>>,
    deadline: Option<Instant>,
    outcome: Outcome,
}

impl Orders {
    pub(super) fn new(commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { commands: Some(commands), deadline: None, outcome: Outcome::Finished }
    }

    /// Returns the outcome to report if the supervisor ends now.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns whether the stages are to end now.
    pub(super) fn is_stopping(&self) -> bool {
        self.outcome == Outcome::Stopped
    }

    /// Returns whether the supervisor is shutting down.
    pub(super) fn is_ending(&self) -> bool {
        match self.outcome {
            Outcome::Finished => false,
            Outcome::Drained | Outcome::Stopped => true,
        }
    }

    /// Returns the next order; a new drain replaces the deadline of an earlier one. Cancel safe.
    pub(super) async fn next(&mut self) -> Order {
        loop {
            let deadline = self.deadline;
            let command = tokio::select! {
                biased;
                command = receive(&mut self.commands) => command,
                () = until(deadline) => Some(Command::Stop),
            };
            match command {
                Some(Command::Drain(within)) => {
                    self.deadline = after(Instant::now(), within);
                    self.outcome = Outcome::Drained;
                    return Order::Drain;
                }
                Some(Command::Stop) => {
                    self.deadline = None;
                    self.outcome = Outcome::Stopped;
                    return Order::Stop;
                }
                Some(Command::Rescale) => return Order::Rescale,
                None => self.commands = None,
            }
        }
    }
}

async fn receive(commands: &mut Option<mpsc::UnboundedReceiver<Command>>) -> Option<Command> {
    match commands {
        Some(commands) => commands.recv().await,
        None => pending().await,
    }
}
