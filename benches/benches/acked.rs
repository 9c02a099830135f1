//! What does acknowledgement cost? `cargo bench -p benches --bench acked`: with empty steps in nanoseconds an event,
//! with 200 ns of work per event and step as a share of the throughput. Both ways alternate, and medians are compared.

use std::error::Error;
use std::time::Duration;

use benches::acked::{Travel, Work, round};
use benches::runtime::runtime;
use tokio::runtime::Runtime;

/// Rounds of each way.
const ROUNDS: usize = 15;

/// With empty steps, an event may cost so much more.
const AT_MOST_NANOS: f64 = 25.0;

/// With work, so much of the throughput must be left.
const AT_LEAST: f64 = 0.8;

fn main() -> Result<(), Box<dyn Error>> {
    // Run as a test, one small round shows that it works.
    if std::env::args().any(|argument| argument == "--test") {
        compare(&runtime()?, Work::NONE, 10_000, 1)?;
        return Ok(());
    }
    let runtime = runtime()?;
    let (plain, acked) = compare(&runtime, Work::NONE, 10_000_000, ROUNDS)?;
    let more = acked - plain;
    println!("acked/k3 empty steps:  plain {plain:6.2} ns/event, acked {acked:6.2}: {more:.2} ns more");
    println!("  promised: at most {AT_MOST_NANOS} ns more: {}", kept(more <= AT_MOST_NANOS));
    let work = Work::lasting(Duration::from_nanos(200));
    let (plain, acked) = compare(&runtime, work, 500_000, ROUNDS)?;
    let share = plain / acked;
    println!(
        "acked/k3 200 ns steps: plain {plain:6.1} ns/event, acked {acked:6.1}: {share:.3} of the throughput"
    );
    println!("  promised: at least {AT_LEAST}: {}", kept(share >= AT_LEAST));
    Ok(())
}

const fn kept(is: bool) -> &'static str {
    if is { "kept" } else { "BROKEN" }
}

/// The medians, in nanoseconds an event.
fn compare(runtime: &Runtime, work: Work, events: u64, rounds: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let (mut plain, mut acked) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(round(runtime, Travel::Plain, work, events)?);
        acked.push(round(runtime, Travel::Acked, work, events)?);
    }
    Ok((median(plain, events), median(acked, events)))
}

/// Counts stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
fn median(mut rounds: Vec<Duration>, events: u64) -> f64 {
    rounds.sort_unstable();
    rounds[rounds.len() / 2].as_secs_f64() * 1e9 / events as f64
}
