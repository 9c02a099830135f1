//! The rules of the queue, through its two halves.

use std::num::NonZeroUsize;
use std::time::Duration;

use stage_connect::{Disposition, ErrorKind, Pull, Settle};
use stage_postgres::{Job, JobId, NewJob, Queue, QueueOptions, QueuePull, Receipt, Server};

use crate::kit::{PASSWORD, Postgres};

async fn open(queue: &Queue) -> QueuePull {
    let mut pull = queue.pull();
    pull.connect().await.unwrap();
    pull
}

/// Leases what is there, without a wait.
async fn take(pull: &mut QueuePull, at_most: usize) -> Vec<Job> {
    let at_most = NonZeroUsize::new(at_most).unwrap();
    pull.pull(at_most, Duration::ZERO).await.unwrap().into_iter().map(|pulled| pulled.message).collect()
}

fn texts(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| std::str::from_utf8(&job.payload).unwrap()).collect()
}

async fn settle(pull: &mut QueuePull, settled: &[(Receipt, Disposition)]) {
    pull.settle_half().settle(settled).await.unwrap();
}

fn retry() -> Disposition {
    Disposition::Retry { after: Duration::ZERO }
}

fn dead(cause: &str) -> Disposition {
    Disposition::Dead { cause: cause.to_owned() }
}

/// Ends all leases of a table.
async fn end_leases(server: &Postgres, queue: &Queue) {
    let text = format!("{queue:?}");
    let table = text.split('`').nth(1).unwrap();
    let end = format!("UPDATE {table} SET due = now() - interval '1 minute' WHERE state = 2");
    server.client().await.execute(&end, &[]).await.unwrap();
}

#[tokio::test]
async fn priority_comes_first_then_the_order_of_arrival() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    let job = |text: &str, priority| NewJob::new(text).priority(priority);
    let ids = queue.enqueue([job("a", 0), job("b", 5), job("c", 0), job("d", -1)]).await.unwrap();
    assert!(ids.is_sorted() && ids.len() == 4);
    let mut pull = open(&queue).await;
    let first = take(&mut pull, 1).await;
    assert_eq!((texts(&first), first[0].attempt, first[0].lease), (vec!["b"], 1, 1));
    let rest = take(&mut pull, 9).await;
    assert_eq!(texts(&rest), ["a", "c", "d"]);
    assert!(take(&mut pull, 9).await.is_empty());
    assert_eq!(queue.counts().await.unwrap().leased, 4);
    let all: Vec<_> = first.iter().chain(&rest).map(|job| (job.receipt(), Disposition::Accept)).collect();
    settle(&mut pull, &all).await;
    assert_eq!(queue.counts().await.unwrap().all(), 0);
    assert!(queue.is_empty().await.unwrap());
}

#[tokio::test]
async fn jobs_of_a_key_are_leased_one_at_a_time_in_their_order() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    let job = |text: &str, key: &str| NewJob::new(text).key(key);
    let urgent = job("k2", "k").priority(9);
    queue.enqueue([job("k1", "k"), urgent, job("l1", "l"), NewJob::new("free")]).await.unwrap();
    let mut pull = open(&queue).await;
    let first = take(&mut pull, 9).await;
    assert_eq!(texts(&first), ["k1", "l1", "free"]);
    settle(&mut pull, &[(first[0].receipt(), retry())]).await;
    let again = take(&mut pull, 9).await;
    assert_eq!(
        (texts(&again), again[0].attempt, again[0].lease),
        (vec!["k1"], 2, 2),
        "a retry keeps its place"
    );
    settle(&mut pull, &[(again[0].receipt(), dead("no ink")), (first[1].receipt(), Disposition::Accept)])
        .await;
    let next = take(&mut pull, 9).await;
    assert_eq!(texts(&next), ["k2"]);
    queue.enqueue([job("k3", "k")]).await.unwrap();
    assert!(take(&mut pull, 9).await.is_empty());
    settle(&mut pull, &[(next[0].receipt(), Disposition::Accept)]).await;
    assert_eq!(texts(&take(&mut pull, 9).await), ["k3"]);
}

#[tokio::test]
async fn an_old_lease_settles_nothing() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    queue.enqueue([NewJob::new("a")]).await.unwrap();
    let (mut one, mut other) = (open(&queue).await, open(&queue.clone()).await);
    let old = take(&mut one, 9).await;
    end_leases(&server, &queue).await;
    let new = take(&mut other, 9).await;
    assert_eq!((texts(&new), new[0].lease), (vec!["a"], 2));
    for disposition in [Disposition::Accept, Disposition::Release, retry(), dead("late")] {
        settle(&mut one, &[(old[0].receipt(), disposition)]).await;
    }
    one.settle_half().extend(&[old[0].receipt()]).await.unwrap();
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased, counts.dead), (0, 1, 0));
    settle(&mut other, &[(new[0].receipt(), Disposition::Accept)]).await;
    assert!(queue.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_lease_that_ran_out_can_be_settled_until_the_job_is_leased_again() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    queue.enqueue([NewJob::new("a")]).await.unwrap();
    let mut pull = open(&queue).await;
    let jobs = take(&mut pull, 9).await;
    end_leases(&server, &queue).await;
    settle(&mut pull, &[(jobs[0].receipt(), Disposition::Accept)]).await;
    assert!(queue.is_empty().await.unwrap());
}

#[tokio::test]
async fn jobs_of_a_killed_process_are_leased_alone_and_only_the_last_one_counts_an_attempt() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new().attempts(2)).await;
    queue.enqueue([NewJob::new("a"), NewJob::new("b"), NewJob::new("c")]).await.unwrap();
    let another =
        || Queue::new(server.server(), QueueOptions::new().attempts(2).table(table(&queue))).unwrap();
    let mut killed = open(&another()).await;
    assert_eq!(take(&mut killed, 2).await.len(), 2);
    end_leases(&server, &queue).await;
    let mut pull = open(&another()).await;
    // Those that were leased together come back without an attempt, one by one.
    let first = take(&mut pull, 9).await;
    assert_eq!((texts(&first), first[0].attempt), (vec!["a"], 1));
    assert!(take(&mut pull, 9).await.is_empty(), "nothing beside a job that must be alone");
    // It was the only job of its process, so its attempt counts.
    end_leases(&server, &queue).await;
    let mut pull = open(&another()).await;
    let next = take(&mut pull, 9).await;
    assert_eq!((texts(&next), next[0].attempt), (vec!["b"], 1));
    settle(&mut pull, &[(next[0].receipt(), Disposition::Accept)]).await;
    let plain = take(&mut pull, 9).await;
    assert_eq!(texts(&plain), ["c"]);
    settle(&mut pull, &[(plain[0].receipt(), Disposition::Accept)]).await;
    let last = take(&mut pull, 9).await;
    assert_eq!((texts(&last), last[0].attempt), (vec!["a"], 2));
    end_leases(&server, &queue).await;
    assert!(take(&mut open(&another()).await, 9).await.is_empty());
    let dead = queue.dead(9).await.unwrap();
    assert_eq!((dead[0].attempts, &*dead[0].cause), (2, "its lease ran out"));
    assert!(queue.is_empty().await.unwrap());
}

fn table(queue: &Queue) -> String {
    format!("{queue:?}").split('`').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn delays_end_by_the_clock_of_the_server() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new().poll(Duration::from_secs(60))).await;
    let later = NewJob::new("later").key("k").delay(Duration::from_millis(300));
    queue
        .enqueue([later, NewJob::new("behind").key("k"), NewJob::new("far").delay(Duration::MAX)])
        .await
        .unwrap();
    let mut pull = open(&queue).await;
    assert!(take(&mut pull, 9).await.is_empty());
    // The pull wakes by itself when the delay is over, long before the next poll.
    let jobs = pull.pull(NonZeroUsize::new(9).unwrap(), Duration::from_secs(50)).await.unwrap();
    assert_eq!(jobs[0].message.payload, b"later");
    settle(&mut pull, &[(jobs[0].receipt, Disposition::Retry { after: Duration::from_millis(100) })]).await;
    assert!(take(&mut pull, 9).await.is_empty());
    let jobs = pull.pull(NonZeroUsize::new(9).unwrap(), Duration::from_secs(50)).await.unwrap();
    assert_eq!((&*jobs[0].message.payload, jobs[0].attempt), (&b"later"[..], 2));
}

#[tokio::test]
async fn a_notification_wakes_an_idle_source_and_a_lost_one_costs_a_poll() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new().poll(Duration::from_secs(50))).await;
    let mut pull = open(&queue).await;
    let enqueue = async {
        tokio::task::yield_now().await;
        // Another handle, as of another process.
        let options = QueueOptions::new().table(table(&queue));
        Queue::new(server.server(), options).unwrap().enqueue([NewJob::new("a")]).await.unwrap();
    };
    let wait = Duration::from_secs(40);
    let (jobs, ()) = tokio::join!(pull.pull(NonZeroUsize::MIN, wait), enqueue);
    assert_eq!(jobs.unwrap().len(), 1, "woken long before the poll");
    let options = QueueOptions::new().table(table(&queue)).poll(Duration::from_millis(20)).notify(false);
    let quiet = Queue::new(server.server(), options).unwrap();
    let mut pull = open(&quiet).await;
    let other = Queue::new(server.server(), QueueOptions::new().table(table(&queue)).notify(false)).unwrap();
    let (jobs, _) = tokio::join!(pull.pull(NonZeroUsize::MIN, wait), other.enqueue([NewJob::new("b")]));
    assert_eq!(jobs.unwrap().len(), 1, "found by a poll");
}

#[tokio::test]
async fn dead_jobs_are_listed_revived_and_forgotten() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new().lane("mail")).await;
    queue.enqueue([NewJob::new("a").key("k").header("traceparent", "00-1"), NewJob::new("b")]).await.unwrap();
    let mut pull = open(&queue).await;
    let jobs = take(&mut pull, 9).await;
    settle(&mut pull, &[(jobs[0].receipt(), dead("no\0ink")), (jobs[1].receipt(), dead("no ink"))]).await;
    let listed = queue.dead(9).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((&*listed[0].payload, &*listed[0].cause, listed[0].attempts), (&b"a"[..], "no ink", 1));
    let new = queue.revive(listed[0].id).await.unwrap().unwrap();
    assert!(new > listed[1].id);
    assert_eq!(queue.revive(listed[0].id).await.unwrap(), None);
    assert!(queue.forget(listed[1].id).await.unwrap() && !queue.forget(JobId(0)).await.unwrap());
    let again = take(&mut pull, 9).await;
    assert_eq!((again[0].id, again[0].attempt, again[0].header("traceparent")), (new, 1, Some("00-1")));
    assert_eq!(QueuePull::header(&again[0], "traceparent").as_deref(), Some("00-1"));
    assert_eq!(queue.counts().await.unwrap().dead, 0);
}

#[tokio::test]
async fn a_dropped_pull_returns_its_jobs_at_the_end_and_loses_none() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    queue.enqueue((0..20).map(|number| NewJob::new(number.to_string()))).await.unwrap();
    let mut pull = open(&queue).await;
    let mut settle = pull.settle_half();
    let mut seen = 0;
    for round in 0..40 {
        let at_most = NonZeroUsize::new(3).unwrap();
        // Cut off after a few polls, at every point of the call.
        let pulled = cut_off(pull.pull(at_most, Duration::ZERO), round).await;
        seen += pulled.map_or(0, |pulled| pulled.unwrap().len());
    }
    drop(pull);
    settle.finish().await.unwrap();
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.leased, counts.all()), (seen as u64, 20));
}

/// Polls a future at most `polls` times.
async fn cut_off<F: Future>(future: F, mut polls: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending if polls == 0 => std::task::Poll::Ready(None),
        std::task::Poll::Pending => {
            polls -= 1;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn jobs_of_a_transaction_appear_with_it_or_not_at_all() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    let mut client = server.client().await;
    let mut pull = open(&queue).await;
    let transaction = client.transaction().await.unwrap();
    let ids = queue.enqueue_in(&transaction, [NewJob::new("a").key("k"), NewJob::new("b")]).await.unwrap();
    assert_eq!(ids.len(), 2);
    // A later job of the same key is not held up by the open transaction.
    queue.enqueue([NewJob::new("c").key("k")]).await.unwrap();
    let open = take(&mut pull, 9).await;
    assert_eq!(texts(&open), ["c"]);
    transaction.commit().await.unwrap();
    assert_eq!(
        texts(&take(&mut pull, 9).await),
        ["b"],
        "`a` waits behind the job of its key that is in hand"
    );
    settle(&mut pull, &[(open[0].receipt(), Disposition::Accept)]).await;
    assert_eq!(texts(&take(&mut pull, 9).await), ["a"]);
    let transaction = client.transaction().await.unwrap();
    queue.enqueue_in(&transaction, [NewJob::new("never")]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(take(&mut pull, 9).await.is_empty());
}

#[tokio::test]
async fn errors_name_server_database_and_remedy_and_never_the_password() {
    let Some(server) = Postgres::shared() else { return };
    let table = server.table();
    let queue =
        |address: &str| Queue::new(Server::new(address).unwrap(), QueueOptions::new().table(&table)).unwrap();
    let place = format!("postgres://127.0.0.1:{}", server.port());
    let user = format!("CREATE ROLE app SUPERUSER LOGIN PASSWORD '{PASSWORD}'");
    server.client().await.batch_execute(&user).await.unwrap();
    assert!(
        !queue(&server.checked_address())
            .pull()
            .connect()
            .await
            .unwrap_err()
            .to_string()
            .contains("password")
    );
    let wrong = queue(&server.checked_address().replace("s3cret", "s3cret-wrong")).setup().await.unwrap_err();
    let database = queue(&server.address().replace("/postgres", "/shop")).setup().await.unwrap_err();
    let tables = queue(&server.address()).pull().connect().await.unwrap_err();
    let tls = queue(&format!("{}?sslmode=require", server.address())).setup().await.unwrap_err();
    for (error, parts) in [
        (&wrong, ["/postgres queue `", "check the user, the password"]),
        (&database, ["/shop queue `", "create the database"]),
        (&tables, ["/postgres queue `", "call `Queue::setup`"]),
        (&tls, ["/postgres queue `", "Server::tls"]),
    ] {
        let line = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{line}");
        assert!(line.starts_with(&place) && parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(!format!("{line} {error:?}").contains("s3cret") && line.lines().count() == 1, "{line}");
    }
    let nobody = queue("postgres://app:s3cret@127.0.0.1:1/shop").setup().await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Gone);
    assert!(nobody.to_string().starts_with("postgres://127.0.0.1:1/shop queue `"), "{nobody}");
    let name = Queue::new(server.server(), QueueOptions::new().table("Jobs; DROP")).unwrap_err();
    assert!(name.to_string().contains("invalid table name `Jobs; DROP`"), "{name}");
}

#[tokio::test]
async fn setup_can_be_repeated_by_several_and_refuses_a_newer_version() {
    let Some(server) = Postgres::shared() else { return };
    let options = QueueOptions::new().table(server.table());
    let queues = [(); 4].map(|()| Queue::new(server.server(), options.clone()).unwrap());
    let [a, b, c, d] = &queues;
    let (a, b, c, d) = tokio::join!(a.setup(), b.setup(), c.setup(), d.setup());
    for done in [a, b, c, d] {
        done.unwrap();
    }
    let newer = format!("UPDATE {}_schema SET version = 99", table(&queues[0]));
    server.client().await.execute(&newer, &[]).await.unwrap();
    for error in [queues[0].setup().await.unwrap_err(), queues[1].pull().connect().await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(error.to_string().contains("the tables have version 99"), "{error}");
    }
}
