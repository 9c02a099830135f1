//! A stage whose events define the work of their child.

use std::sync::Arc;

use stage_core::per_event::{Child, ChildCounts, Children, PerEvent};
use stage_core::spawn::{self, StageOptions};
use stage_core::{BoxError, ExitReason, Nothing, StageRef};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(super) type Work = std::pin::Pin<Box<dyn Future<Output = ExitReason> + Send>>;
pub(super) type Begun = Result<Option<Work>, BoxError>;

/// An event: a function from its child to the child's future.
pub(super) type Job = Arc<dyn Fn(Child) -> Begun + Send + Sync>;

pub(super) type Supervisor = StageRef<PerEvent<Job>, Job, Nothing>;

pub(super) fn job(begin: impl Fn(Child) -> Begun + Send + Sync + 'static) -> Job {
    Arc::new(begin)
}

/// Returns a child that does `work`.
pub(super) fn working<F>(work: impl Fn(Child) -> F + Send + Sync + 'static) -> Job
where
    F: Future<Output = ExitReason> + Send + 'static,
{
    job(move |child| Ok(Some(Box::pin(work(child)))))
}

/// Returns a child that never ends by itself, and ignores requests.
pub(super) fn endless() -> Job {
    working(|_| std::future::pending())
}

/// Returns a child that ends for each reason that is sent, in turn.
pub(super) fn ending_when_told() -> (UnboundedSender<ExitReason>, Job) {
    let (end, ends) = unbounded_channel();
    let ends = Arc::new(tokio::sync::Mutex::new(ends));
    let job = working(move |_| {
        let ends = Arc::clone(&ends);
        async move { ends.lock().await.recv().await.unwrap_or(ExitReason::Normal) }
    });
    (end, job)
}

/// Returns a child that ends for `reason` on request, and reports that; cut off, it reports nothing.
pub(super) fn listening(reason: ExitReason, report: &UnboundedSender<&'static str>) -> Job {
    let report = report.clone();
    working(move |child| {
        let (report, reason) = (report.clone(), reason.clone());
        async move {
            child.shutdown().await;
            report.send("was asked").expect("the test listens");
            reason
        }
    })
}

/// Returns a stage whose events define their children.
pub(super) fn jobs() -> PerEvent<Job> {
    PerEvent::deciding(|job: Job, child| job(child))
}

pub(super) async fn start(workers: PerEvent<Job>) -> (Supervisor, Children<Job>) {
    let children = workers.children();
    let stage = spawn::consumer(workers, StageOptions::named("supervisor")).await.unwrap();
    (stage, children)
}

/// Returns the numbers of all children, and of those at work: GenStage's `workers` and `active`.
pub(super) fn workers_and_active(children: &Children<Job>) -> (usize, usize) {
    let ChildCounts { active, restarting, .. } = children.counts();
    (active + restarting, active)
}

/// Waits for these numbers of children, and of those at work. Time stands still, because a child that
/// restarts endlessly never lets the clock move.
pub(super) async fn until(children: &Children<Job>, expected: (usize, usize)) {
    for _ in 0..1_000 {
        if workers_and_active(children) == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:?} instead of {expected:?}", workers_and_active(children));
}

pub(super) fn reports() -> (UnboundedSender<&'static str>, UnboundedReceiver<&'static str>) {
    unbounded_channel()
}

/// Returns all reports.
pub(super) fn reported(reports: &mut UnboundedReceiver<&'static str>) -> Vec<&'static str> {
    std::iter::from_fn(|| reports.try_recv().ok()).collect()
}
