//! Prints the window that the engine chooses for several kinds of work: the one seen most often in the second half of a
//! second.
//!
//! `cargo run --release -p benches --example windows`

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use stage_core::{BoxError, Consumer, Context, Events, Pipeline, StageResult, StepOptions};
use tokio::time::sleep;

/// The work of the last step.
#[derive(Clone, Copy, Debug)]
enum Work {
    Nothing,
    Spins(Duration),
    Sleeps(Duration),
    SleepsPerBatch(Duration),
}

/// What an event is made of.
#[derive(Clone, Copy, Debug)]
enum Made {
    AtOnce,
    /// With this number of bytes.
    Large(usize),
    /// After this time.
    After(Duration),
}

struct Worker(Work);

impl Consumer for Worker {
    type Event = Vec<u8>;

    async fn handle_events(&mut self, events: Events<'_, Vec<u8>>, _: &mut Context<'_>) -> StageResult {
        if let Work::SleepsPerBatch(each) = self.0 {
            sleep(each).await;
        }
        let events: Vec<_> = events.into_iter().collect();
        for event in events {
            black_box(event);
            match self.0 {
                Work::Spins(each) => {
                    let began = Instant::now();
                    while began.elapsed() < each {}
                }
                Work::Sleeps(each) => sleep(each).await,
                Work::Nothing | Work::SleepsPerBatch(_) => {}
            }
        }
        Ok(())
    }
}

fn event(made: Made) -> Vec<u8> {
    match made {
        Made::AtOnce => Vec::new(),
        Made::Large(bytes) => black_box(vec![1; bytes]),
        Made::After(time) => {
            std::thread::sleep(time);
            Vec::new()
        }
    }
}

/// Returns the most frequent `max_demand` and `min_demand`, and the events per second.
async fn chosen(made: Made, work: Work, copies: usize) -> Result<((usize, usize), f64), BoxError> {
    let running = Pipeline::builder("windows")
        .start_fn("events", move || Ok(std::iter::repeat_with(move || event(made))))
        .finish(StepOptions::named("work").count(copies), move || Ok(Worker(work)))
        .start()
        .await?;
    let began = Instant::now();
    let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
    for tick in 0..100 {
        sleep(Duration::from_millis(10)).await;
        let status = running.monitor().status();
        if let Some(step) = status.steps.last().filter(|_| tick >= 50) {
            *seen.entry(step.max_demand.zip(step.min_demand).unwrap_or_default()).or_default() += 1;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let report = running.stop().await?;
    let events: u64 = report.stages.iter().map(|stage| stage.events_in).sum();
    let window = seen.into_iter().max_by_key(|(_, times)| *times).map(|(window, _)| window);
    #[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    Ok((window.unwrap_or_default(), events as f64 / seconds))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (micros, millis) = (Duration::from_micros, Duration::from_millis);
    let spins = |nanos| Work::Spins(Duration::from_nanos(nanos));
    let rows = [
        ("an event is dropped", Made::AtOnce, Work::Nothing),
        ("an event takes 200 ns", Made::AtOnce, spins(200)),
        ("2 µs", Made::AtOnce, spins(2_000)),
        ("20 µs", Made::AtOnce, spins(20_000)),
        ("200 µs", Made::AtOnce, spins(200_000)),
        ("2 ms", Made::AtOnce, spins(2_000_000)),
        ("20 ms, asleep", Made::AtOnce, Work::Sleeps(millis(20))),
        ("a batch takes 5 ms", Made::AtOnce, Work::SleepsPerBatch(millis(5))),
        ("the source takes 200 µs per event", Made::After(micros(200)), Work::Nothing),
        ("an event of 256 KiB is dropped", Made::Large(256 << 10), Work::Nothing),
        ("an event of 4 MiB is dropped", Made::Large(4 << 20), Work::Nothing),
    ];
    println!("| work | one copy | four copies | events/s, one and four |\n|---|---|---|---|");
    for (name, made, work) in rows {
        let (one, few) = chosen(made, work, 1).await?;
        let (four, many) = chosen(made, work, 4).await?;
        println!("| {name} | {}/{} | {}/{} | {few:.0}, {many:.0} |", one.0, one.1, four.0, four.1);
    }
    Ok(())
}
