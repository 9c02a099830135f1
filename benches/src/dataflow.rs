//! Dataflows of timely on as many workers as all contenders have.

use timely::{Config, worker::Worker};

use crate::runtime::WORKERS;

/// Runs a dataflow, which `build` makes on each worker, to its end; returns what the returned functions then return.
pub(crate) fn on_workers<R: Send + 'static, F: FnOnce() -> R>(
    build: impl Fn(&mut Worker) -> F + Send + Sync + 'static,
) -> Vec<R> {
    let workers = timely::execute(Config::process(WORKERS), move |worker| {
        let result = build(worker);
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
        result()
    });
    let results = workers.expect("timely starts").join().into_iter();
    results.map(|result| result.expect("a worker ends by itself")).collect()
}
