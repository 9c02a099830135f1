//! Prints how the number of copies of a step follows a load that doubles and halves, and the throughput beside fixed
//! numbers of copies.
//!
//! `cargo run --release -p benches --example elastic [-- SECONDS PHASES]`: the duration of a phase in whole seconds, and
//! the number of phases; 15 and 6 unless given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stage_core::pipeline::Copies;
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Pipeline, Producer, Running, StageResult,
    StepOptions,
};
use tokio::time::sleep;

/// The time that an event takes.
const WORK: Duration = Duration::from_millis(5);

/// The events a second of the first phase, twice as many in the second one, and so on.
const LOW: u32 = 250;

const SAMPLE: Duration = Duration::from_millis(500);

/// The samples without events after the last phase.
const IDLE: u32 = 30;

/// The samples of a phase before its throughput counts: two seconds.
const SETTLING: usize = 4;

/// Events that were not taken for longer than this are not offered any more.
const BACKLOG: Duration = Duration::from_millis(100);

/// The offered load.
#[derive(Clone, Copy, Debug)]
struct Load {
    begun: Instant,
    phase: Duration,
    phases: u32,
}

impl Load {
    /// Returns the events a second in a phase.
    const fn rate(self, phase: u32) -> u32 {
        match phase {
            idle if idle >= self.phases => 0,
            even if even % 2 == 0 => LOW,
            _ => 2 * LOW,
        }
    }

    fn rate_at(self, time: Duration) -> u32 {
        let phase = time.as_nanos() / self.phase.as_nanos();
        self.rate(phase.try_into().unwrap_or(u32::MAX))
    }

    fn end(self) -> Duration {
        self.phase * self.phases + SAMPLE * IDLE
    }
}

/// Emits at the rate of the load.
struct Offered {
    load: Load,
    /// The time at which the next event is due.
    due: Duration,
    next: u64,
}

impl Producer for Offered {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let mut left = demand.get();
        while left > 0 {
            let now = self.load.begun.elapsed();
            if now >= self.load.end() {
                out.finish();
                return Ok(());
            }
            let rate = self.load.rate_at(now);
            if rate == 0 {
                self.due = now;
                out.flush();
                sleep(BACKLOG).await;
            } else if now < self.due {
                out.flush();
                sleep(self.due.saturating_sub(now)).await;
            } else {
                self.due = self.due.max(now.saturating_sub(BACKLOG)) + Duration::from_secs(1) / rate;
                out.emit(self.next);
                self.next += 1;
                left -= 1;
            }
        }
        Ok(())
    }
}

/// Waits for each event, as for a service.
struct Call(Arc<AtomicU64>);

impl Consumer for Call {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for _ in events {
            sleep(WORK).await;
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A pipeline under the load.
struct Contender {
    running: Running,
    handled: Arc<AtomicU64>,
}

impl Contender {
    async fn start(copies: impl Into<Copies>, load: Load) -> Result<Self, BoxError> {
        let handled = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&handled);
        let running = Pipeline::builder("elastic")
            .start("offered", move || Ok(Offered { load, due: Duration::ZERO, next: 0 }))
            .finish(StepOptions::named("call").count(copies), move || Ok(Call(Arc::clone(&counted))))
            .start()
            .await?;
        Ok(Self { running, handled })
    }

    fn copies(&self) -> usize {
        self.running.monitor().status().steps.last().map_or(0, |step| step.copies)
    }

    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Waits for the end, and checks that no event was lost.
    async fn join(self) -> Result<(), BoxError> {
        let report = self.running.join().await?;
        let made = report.stages[0].events_out;
        let handled = self.handled.load(Ordering::Relaxed);
        if handled == made { Ok(()) } else { Err(format!("{handled} of {made} events were handled").into()) }
    }
}

/// The state after a [`SAMPLE`].
struct Sample {
    /// Of the elastic step.
    copies: usize,
    /// The events that each contender handled until then.
    handled: [u64; 3],
}

/// Returns the seconds after which a sample of a phase is taken.
fn after(sample: usize) -> String {
    let sample = u32::try_from(sample).unwrap_or(u32::MAX);
    format!("{:.1} s", (SAMPLE * sample).as_secs_f64())
}

/// Prints the row of a phase: `samples` begins with the last one of the phase before.
fn print_phase(rate: u32, samples: &[Sample]) {
    let [_, .., last] = samples else { return };
    let each: Vec<_> = samples[1..].iter().map(|sample| sample.copies.to_string()).collect();
    let changed = samples.windows(2).rposition(|pair| pair[0].copies != pair[1].copies);
    let per_sample = u64::from(rate) / 2;
    let served = samples.windows(2).position(|pair| {
        let handled = pair[1].handled[0] - pair[0].handled[0];
        rate > 0 && handled * 10 >= per_sample * 9
    });
    let settled = SETTLING.min(samples.len() - 2);
    let half_seconds = (samples.len() - 1 - settled) as u64;
    let rates = [0, 1, 2].map(|place| {
        let handled = last.handled[place] - samples[settled].handled[place];
        (handled * 2 / half_seconds).to_string()
    });
    println!(
        "| {rate} | {} | {} | {} | {} |",
        each.join(" "),
        served.map_or_else(|| "–".to_owned(), |sample| after(sample + 1)),
        changed.map_or_else(|| "–".to_owned(), |sample| after(sample + 1)),
        rates.join(" | "),
    );
}

/// Returns the numbers of the command line.
fn arguments() -> Result<(u32, u32), BoxError> {
    let numbers = std::env::args().skip(1).map(|text| {
        let number = text.parse().ok().filter(|number: &u32| (1..=3600).contains(number));
        number.ok_or_else(|| format!("`{text}` is not a number from 1 to 3600"))
    });
    match numbers.collect::<Result<Vec<_>, _>>()?[..] {
        [] => Ok((15, 6)),
        [seconds] => Ok((seconds, 6)),
        [seconds, phases] => Ok((seconds, phases)),
        _ => Err("expected at most two numbers, the seconds of a phase and the number of phases".into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (seconds, phases) = arguments()?;
    let load = Load { begun: Instant::now(), phase: Duration::from_secs(seconds.into()), phases };
    let contenders = [
        Contender::start(1..=8, load).await?,
        Contender::start(8, load).await?,
        Contender::start(1, load).await?,
    ];
    println!(
        "An event takes {} ms. Copies: of `count: 1..=8`, every {} ms. Throughput: after the first {} of a phase.\n",
        WORK.as_millis(),
        SAMPLE.as_millis(),
        after(SETTLING),
    );
    println!(
        "| offered/s | copies | 90 % served after | last change after | 1..=8, events/s | fixed 8 | fixed 1 |"
    );
    println!("|---|---|---|---|---|---|---|");
    let sample =
        || Sample { copies: contenders[0].copies(), handled: contenders.each_ref().map(Contender::handled) };
    let mut samples = vec![sample()];
    let per_phase = seconds * 2;
    let last = per_phase * phases + IDLE;
    for number in 1..=last {
        sleep((load.begun + SAMPLE * number).saturating_duration_since(Instant::now())).await;
        samples.push(sample());
        let phase = (number - 1) / per_phase;
        if (phase < phases && number % per_phase == 0) || number == last {
            print_phase(load.rate(phase), &samples);
            samples.drain(..samples.len() - 1);
        }
    }
    for contender in contenders {
        contender.join().await?;
    }
    Ok(())
}
