//! A rate limit shared by two pipelines, and raised while they run.
//!
//! Mails and text messages go through one provider with a limited rate: both pipelines take turns spending
//! the same budget. Demand alone holds back their sources.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use stage_core::rate::{Budget, Rate};
use stage_core::{BoxError, Running, pipeline, sink};

/// Collects the messages sent, with their times.
type Sent = sink::Collect<Vec<(u32, Instant)>, (u32, Instant)>;

pipeline! {
    /// Sends `count` messages within the budget.
    Send(count: u32, budget: Budget, sent: Sent) {
        start  || 0..count;
        step   |message: u32| (message, Instant::now()), name: "send", rate: budget;
        finish sent;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let second = Duration::from_secs(1);
    let budget = Budget::new(Rate::new(200, second)?.burst(10)?);
    let began = Instant::now();
    let (mails, mailed) = sink::collect();
    let (texts, texted) = sink::collect();
    let sends: [Running; 2] = [
        Send::new(50, budget.clone(), mails).start().await?,
        Send::new(50, budget.clone(), texts).start().await?,
    ];
    tokio::time::sleep(Duration::from_millis(250)).await;
    let slowly = began.elapsed();
    budget.set(Rate::new(5_000, second)?);
    for send in sends {
        send.join().await?;
    }
    let (mailed, texted): (Vec<_>, Vec<_>) = (mailed.await?, texted.await?);
    for (what, sent) in [("mails", mailed), ("texts", texted)] {
        let early = sent.iter().filter(|(_, at)| at.duration_since(began) < slowly).count();
        println!("{} {what}, {early} of them in the first {} ms", sent.len(), slowly.as_millis());
    }
    println!("all in {} ms", began.elapsed().as_millis());
    Ok(())
}
