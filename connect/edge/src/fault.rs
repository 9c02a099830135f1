//! The faults that a stage learns of from its tasks, and its wait for them.

use std::pin::pin;
use std::sync::Arc;

use stage_connect::ConnectError;
use tokio::sync::Notify;

/// The error that ends a stage, and the fault that it waits for to end.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    failure: Option<Arc<ConnectError>>,
    waiting_for: Option<String>,
}

impl Fault {
    /// Records an error that ends the stage; the first one counts.
    pub(crate) fn fail(&mut self, error: ConnectError) {
        self.fail_with(Arc::new(error));
    }

    /// Records an error that another stage or task has recorded.
    pub(crate) fn fail_with(&mut self, error: Arc<ConnectError>) {
        self.failure.get_or_insert(error);
    }

    pub(crate) fn failure(&self) -> Option<Arc<ConnectError>> {
        self.failure.clone()
    }

    /// Sets the fault that the stage waits for to end. Returns whether it was another one.
    pub(crate) fn set_waiting_for(&mut self, what: Option<String>) -> bool {
        let changes = self.waiting_for != what;
        self.waiting_for = what;
        changes
    }

    pub(crate) fn waiting_for(&self) -> Option<String> {
        self.waiting_for.clone()
    }
}

/// Waits for changes of `of` until `is_so`. Cancel safe.
pub(crate) async fn until<S>(changed: &Notify, of: &S, mut is_so: impl FnMut(&S) -> bool) {
    loop {
        let mut notified = pin!(changed.notified());
        notified.as_mut().enable();
        if is_so(of) {
            return;
        }
        notified.await;
    }
}
