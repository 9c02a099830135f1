//! How a flow is started.

use std::sync::Arc;
use std::time::Duration;

use stage_core::Registry;

use crate::exec::Workers;
use crate::plan::SUBSCRIBE_TIMEOUT;

/// How a flow is started that goes on by itself.
#[derive(Clone, Debug)]
#[must_use]
pub struct StartOptions {
    pub(crate) workers: Workers,
    pub(crate) name: Option<(Registry, Arc<str>)>,
    pub(crate) subscribe_timeout: Duration,
}

impl StartOptions {
    /// On threads of its own, without a name.
    pub fn new() -> Self {
        Self { workers: Workers::default(), name: None, subscribe_timeout: SUBSCRIBE_TIMEOUT }
    }

    /// Where its stages run. Default: [`Workers::Own`].
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Gives the flow a name, by which [`FlowRef::named`](super::FlowRef::named) finds it while it runs. Where
    /// others may subscribe to its last layer, the stages of that have the names `name/0`, `name/1` and so
    /// on. Default: none.
    pub fn named(mut self, registry: &Registry, name: impl Into<Arc<str>>) -> Self {
        self.name = Some((registry.clone(), name.into()));
        self
    }

    /// How long each stage may take to subscribe to one that feeds it, stages of others included, which may
    /// be busy. With no time at all, no flow of more than one stage starts. Default: 5 seconds.
    pub fn subscribe_timeout(mut self, within: Duration) -> Self {
        self.subscribe_timeout = within;
        self
    }
}

impl Default for StartOptions {
    fn default() -> Self {
        Self::new()
    }
}
