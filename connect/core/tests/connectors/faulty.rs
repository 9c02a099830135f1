//! A connector whose calls a test can change.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_connect::memory::{MemoryPush, MemoryQueue, MemoryServer, MemorySettle};
use stage_connect::{Acks, ConnectError, Disposition, MessageId, Pull, Pulled, Push, PutError, Settle};

/// The fault of the next calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The configuration is wrong.
    Fatal,
    /// The lease is lost.
    Fenced,
    /// No call is answered.
    Silent,
    /// The call is carried out, but its answer is lost.
    AnswerLost,
    /// Odd messages are refused.
    RefusesOdd,
}

/// The faults of connectors, and the calls that they made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control {
    fault: Arc<Mutex<Fault>>,
    pub(crate) settled: Arc<Mutex<Vec<usize>>>,
    /// The sizes of the lists of messages.
    pub(crate) put: Arc<Mutex<Vec<usize>>>,
    pub(crate) finished: Arc<Mutex<u32>>,
}

const SERVER: &str = "test queue";

impl Control {
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn has(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }

    async fn check(&self) -> Result<(), ConnectError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Fatal => Err(ConnectError::fatal(SERVER, "there is no queue", "create it")),
            Fault::Fenced => Err(ConnectError::fenced(SERVER, "the queue belongs to another process")),
            Fault::Silent => std::future::pending().await,
            Fault::None | Fault::AnswerLost | Fault::RefusesOdd => Ok(()),
        }
    }
}

pub(crate) struct FaultyPull {
    inner: MemoryQueue<u64>,
    control: Control,
    /// The number of messages after which the input ends.
    pub(crate) left: Option<usize>,
}

pub(crate) struct FaultySettle {
    inner: MemorySettle<u64>,
    control: Control,
}

pub(crate) fn pull(server: &MemoryServer<u64>, control: &Control) -> FaultyPull {
    FaultyPull { inner: server.queue(), control: control.clone(), left: None }
}

impl Pull for FaultyPull {
    type Message = u64;
    type Receipt = u64;
    type Settle = FaultySettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.control.check().await?;
        self.inner.connect().await
    }

    fn settle_half(&mut self) -> FaultySettle {
        FaultySettle { inner: self.inner.settle_half(), control: self.control.clone() }
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<u64, u64>>, ConnectError> {
        self.control.check().await?;
        let pulled = self.inner.pull(at_most, wait).await?;
        self.left = self.left.map(|left| left.saturating_sub(pulled.len()));
        Ok(pulled)
    }

    fn is_finished(&self) -> bool {
        self.left == Some(0)
    }

    fn describe(&self) -> String {
        SERVER.to_owned()
    }
}

impl Settle for FaultySettle {
    type Receipt = u64;

    async fn settle(&mut self, settled: &[(u64, Disposition)]) -> Result<(), ConnectError> {
        self.control.check().await?;
        self.control.settled.lock().unwrap().push(settled.len());
        self.inner.settle(settled).await
    }

    async fn extend(&mut self, open: &[u64]) -> Result<(), ConnectError> {
        self.control.check().await?;
        self.inner.extend(open).await
    }

    fn lease(&self) -> Option<Duration> {
        self.inner.lease()
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        *self.control.finished.lock().unwrap() += 1;
        Ok(())
    }
}

pub(crate) struct FaultyPush {
    inner: MemoryPush<u64>,
    control: Control,
}

pub(crate) fn push(server: &MemoryServer<u64>, control: &Control) -> FaultyPush {
    FaultyPush { inner: server.push(), control: control.clone() }
}

impl Push for FaultyPush {
    type Message = u64;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        // The fault of a lost lease hits the next message, not the connection.
        if !self.control.has(Fault::Fenced) {
            self.control.check().await?;
        }
        self.inner.connect().await
    }

    async fn put(&mut self, messages: &[(MessageId, u64)]) -> Result<usize, PutError> {
        self.control.check().await?;
        self.control.put.lock().unwrap().push(messages.len());
        let odd = messages.iter().position(|(_, number)| number % 2 == 1);
        if let Some(index) = odd.filter(|_| self.control.has(Fault::RefusesOdd)) {
            if index > 0 {
                self.inner.put(&messages[..index]).await?;
            }
            return Err(PutError::Refused { index, cause: "the number is odd".to_owned() });
        }
        let stored = self.inner.put(messages).await;
        if self.control.has(Fault::AnswerLost) {
            self.control.set(Fault::None);
            return Err(ConnectError::gone(SERVER, "cannot store", "connection reset").into());
        }
        stored
    }

    fn describe(&self) -> String {
        SERVER.to_owned()
    }
}
