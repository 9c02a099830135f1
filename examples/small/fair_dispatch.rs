//! One user floods a queue, but other users hardly notice: dispatch by tenant compared with dispatch in
//! order.
//!
//! The same jobs run in the same order, once with the default dispatcher and once with a
//! [`TenantDispatcher`], which queues them by user and dispatches one job of each user in turn.
#![forbid(unsafe_code)]

use stage_core::dispatch::{DemandDispatcher, Dispatcher, TenantDispatcher, TenantQueues};
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::FromIter;
use stage_core::{BoxError, SubscribeOptions, sink};

/// A job: its user and its number.
type Job = (&'static str, u32);

const USERS: [(&str, u32); 4] = [("flood", 1_000), ("ada", 10), ("grace", 10), ("barbara", 20)];

/// Returns the jobs; the whole flood comes first.
fn jobs() -> impl Iterator<Item = Job> + Send + 'static {
    USERS.into_iter().flat_map(|(user, jobs)| (0..jobs).map(move |job| (user, job)))
}

/// Returns the jobs in the order in which a worker processes them.
async fn done_by(dispatcher: impl Dispatcher<Job> + 'static) -> Result<Vec<Job>, BoxError> {
    let (all, done) = sink::collect();
    let queue =
        spawn::producer(FromIter::new(jobs()), StageOptions::named("queue").dispatcher(dispatcher)).await?;
    let worker = spawn::consumer(all, StageOptions::named("worker")).await?;
    worker.subscribe(&queue.producer(), SubscribeOptions::new().max_demand(2).min_demand(1)).await?;
    Ok(done.await?)
}

/// Returns the number of jobs done before the last one of `user`.
fn waited(done: &[Job], user: &str) -> usize {
    done.iter().rposition(|(by, _)| *by == user).unwrap_or(0)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Capacity for all jobs at once.
    let tenants = TenantDispatcher::new(TenantQueues::new(2_000), |(user, _): &Job| *user);
    let (in_order, in_turn) = (done_by(DemandDispatcher::new()).await?, done_by(tenants).await?);
    println!("{:<8} {:>5}  jobs done before its last one: in order, in turn", "user", "jobs");
    for (user, jobs) in USERS {
        println!("{user:<8} {jobs:>5} {:>40} {:>8}", waited(&in_order, user), waited(&in_turn, user));
    }
    println!("all were done: {}, {}", in_order.len(), in_turn.len());
    Ok(())
}
