//! What a supervisor is told from outside: to drain, to stop; a drain becomes a stop at its deadline.

use std::future::pending;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::report::Outcome;
use crate::base::moment::{after, until};

/// What a pipeline is told from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// End the sources, finish what is in flight; stop after this time.
    Drain(Duration),
    /// End now.
    Stop,
}

/// What a supervisor is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Drain,
    Stop,
}

/// Where orders come from, and what was ordered so far.
#[derive(Debug)]
pub(super) struct Orders {
    /// Nothing once nobody is left who could say anything.
    commands: Option<mpsc::UnboundedReceiver<Command>>,
    deadline: Option<Instant>,
    outcome: Outcome,
}

impl Orders {
    pub(super) fn new(commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { commands: Some(commands), deadline: None, outcome: Outcome::Finished }
    }

    /// What an end now is to be called.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether nothing new is to be begun any more.
    pub(super) fn is_ending(&self) -> bool {
        match self.outcome {
            Outcome::Finished => false,
            Outcome::Drained | Outcome::Stopped => true,
        }
    }

    /// The next order; the last drain's deadline counts. Cancel safe.
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
