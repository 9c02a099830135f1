//! The servers in memory, as the laws use them.

use std::ops::Range;

use super::log::{LogPull, MemoryLog};
use super::queue::MemoryQueue;
use super::server::MemoryServer;
use crate::laws::{Clock, Counts, LawServer};

impl LawServer for MemoryServer<u64> {
    type Pull = MemoryQueue<u64>;

    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Option<Self> {
        Some(Self::new())
    }

    fn clients(&self) -> impl Fn() -> MemoryQueue<u64> + Send + 'static {
        let server = self.clone();
        move || server.queue()
    }

    fn number(message: &u64) -> u64 {
        *message
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        Self::publish(self, numbers);
    }

    async fn counts(&mut self) -> Counts {
        Self::counts(self)
    }

    async fn break_connections(&mut self) {
        Self::break_connections(self);
    }

    async fn stop(&mut self) {
        Self::stop(self);
    }

    async fn restart(&mut self) {
        Self::restart(self);
    }
}

impl LawServer for MemoryLog<u64> {
    type Pull = LogPull<u64>;

    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Option<Self> {
        Some(Self::new())
    }

    fn clients(&self) -> impl Fn() -> LogPull<u64> + Send + 'static {
        let log = self.clone();
        move || log.partition()
    }

    fn number(message: &u64) -> u64 {
        *message
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        Self::publish(self, numbers);
    }

    async fn counts(&mut self) -> Counts {
        Self::counts(self)
    }

    async fn break_connections(&mut self) {
        Self::break_connections(self);
    }

    async fn stop(&mut self) {
        Self::stop(self);
    }

    async fn restart(&mut self) {
        Self::restart(self);
    }
}
