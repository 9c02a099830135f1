//! Pushes notifications to their users as they arrive: the push pipeline of the real-time book.
//!
//! ```text
//!   push ──▶ [ queue, 10,000 ] ══▶ a worker for each, ten at once ──▶ the user's channel
//!   └────────────────────────── push to delivery ──────────────────────────┘
//!                                  └──────── worker time ────────┘
//! ```
//!
//! Bursts of 53 arrive every other millisecond, stamped with the time of the push. Two histograms show how
//! long a worker took, and how long the user waited.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use stage_core::per_event::PerEvent;
use stage_core::{BoxError, pipeline, source};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A notification for a user.
struct Notification {
    user: u32,
    text: String,
    pushed: Instant,
}

/// The open channels of the users.
type Users = HashMap<u32, UnboundedSender<Notification>>;

/// A histogram of durations, in microseconds.
#[derive(Clone)]
struct Times(Arc<Mutex<Histogram<u64>>>);

impl Times {
    fn new() -> Result<Self, BoxError> {
        Ok(Self(Arc::new(Mutex::new(Histogram::new(3)?))))
    }

    fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.record(micros).expect("a histogram grows as it needs to");
    }

    fn print(&self, what: &str) {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (p50, p99) = (times.value_at_quantile(0.5), times.value_at_quantile(0.99));
        println!("{what}: p50 {p50} µs, p99 {p99} µs of {}", times.len());
    }
}

/// The work per notification: here it only finds the channel; it could also query, render or call a service.
async fn deliver(notification: Notification, users: Arc<Users>, waited: Times) -> Result<(), BoxError> {
    tokio::task::yield_now().await;
    let user = users.get(&notification.user).ok_or("no user has this number")?;
    waited.record(notification.pushed.elapsed());
    user.send(notification).map_err(|gone| format!("user {} has left", gone.0.user))?;
    Ok(())
}

pipeline! {
    /// Delivers pushed notifications, ten at a time.
    Push(queue: source::PushQueue<Notification>, workers: PerEvent<Notification>) {
        start  queue;
        finish workers, max_demand: 10;
    }
}

/// Counts a user's notifications: all of them, and those addressed to another user.
async fn read(user: u32, mut inbox: UnboundedReceiver<Notification>) -> (usize, usize) {
    let (mut got, mut strange) = (0, 0);
    while let Some(notification) = inbox.recv().await {
        got += 1;
        let own = format!("for user {user}");
        strange += usize::from(notification.user != user || notification.text != own);
    }
    (got, strange)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (mut users, mut readers) = (Users::new(), Vec::new());
    for user in 0..20 {
        let (channel, inbox) = unbounded_channel();
        users.insert(user, channel);
        readers.push(tokio::spawn(read(user, inbox)));
    }
    let (worked, waited) = (Times::new()?, Times::new()?);
    let (users, work, wait) = (Arc::new(users), worked.clone(), waited.clone());
    let workers = PerEvent::new(move |notification: Notification| {
        let (users, work, wait) = (Arc::clone(&users), work.clone(), wait.clone());
        async move {
            let began = Instant::now();
            let delivered = deliver(notification, users, wait).await;
            work.record(began.elapsed());
            delivered
        }
    });
    // Asks again when five workers are left, for groups of at most five events.
    let workers = workers.floor(5);

    let (push, queue) = source::queue(10_000)?;
    let running = Push::new(queue, workers).start().await?;
    for burst in 0..200_u32 {
        for number in 0..53 {
            let user = (burst + number) % 20;
            let text = format!("for user {user}");
            let notification = Notification { user, text, pushed: Instant::now() };
            // Waits while 10,000 notifications are queued.
            push.push(notification).await.map_err(|_| "the pipeline has ended")?;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    push.close();
    running.join().await?;
    drop(running);

    let (mut got, mut strange) = (0, 0);
    for reader in readers {
        let (delivered, foreign) = reader.await?;
        (got, strange) = (got + delivered, strange + foreign);
    }
    println!("{got} delivered, {strange} to the wrong user");
    worked.print("worker time");
    waited.print("push to delivery");
    Ok(())
}
