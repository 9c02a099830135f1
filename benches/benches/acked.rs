//! Benchmark of the cost of acknowledgement: `cargo bench -p benches --bench acked`. With empty steps the
//! cost is in nanoseconds per event, with 200 ns of work per event and step a share of the throughput. Both
//! ways alternate, and the fastest rounds are compared, since other load on the machine only makes rounds
//! slower. Linux also reports the processor time of a round, of all threads together, which other programs
//! hardly affect.

use std::error::Error;
use std::time::Duration;
use std::{fmt, fs};

use benches::acked::{Travel, Work, round};
use benches::runtime::runtime;
use tokio::runtime::Runtime;

/// Rounds per way.
const ROUNDS: usize = 25;

/// Maximum additional cost of an event with empty steps.
const AT_MOST_NANOS: f64 = 25.0;

/// Minimum remaining share of the throughput with work.
const AT_LEAST: f64 = 0.8;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    // As a test, one small round shows that the benchmark works.
    if std::env::args().any(|argument| argument == "--test") {
        compare(&runtime, Work::NONE, 10_000, 1)?;
        return Ok(());
    }
    let [plain, acked] = compare(&runtime, Work::NONE, 2_000_000, ROUNDS)?;
    let more = acked.wall - plain.wall;
    println!("acked/k3, empty steps:  plain {plain}, acked {acked}: {more:.1} ns/event more");
    println!("  promised: at most {AT_MOST_NANOS} ns more: {}", kept(more <= AT_MOST_NANOS));
    let work = Work::lasting(Duration::from_nanos(200));
    let [plain, acked] = compare(&runtime, work, 100_000, ROUNDS)?;
    let share = plain.wall / acked.wall;
    println!("acked/k3, 200 ns steps: plain {plain}, acked {acked}: {share:.3} of the throughput");
    println!("  promised: at least {AT_LEAST}: {}", kept(share >= AT_LEAST));
    Ok(())
}

const fn kept(is: bool) -> &'static str {
    if is { "kept" } else { "BROKEN" }
}

/// The time of an event in nanoseconds, by the clock and of the processor: the minimum of all rounds.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ns/event ({:.1} ns of processor time)", self.wall, self.cpu)
    }
}

fn compare(runtime: &Runtime, work: Work, events: u64, rounds: usize) -> Result<[Cost; 2], Box<dyn Error>> {
    let mut least = [Cost { wall: f64::MAX, cpu: f64::MAX }; 2];
    for _ in 0..rounds {
        for (travel, least) in [Travel::Plain, Travel::Acked].into_iter().zip(&mut least) {
            let before = processor_time();
            let wall = round(runtime, travel, work, events)?;
            let cpu = processor_time().saturating_sub(before);
            least.wall = least.wall.min(each(wall, events));
            least.cpu = least.cpu.min(each(cpu, events));
        }
    }
    Ok(least)
}

/// Counts stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
fn each(took: Duration, events: u64) -> f64 {
    took.as_secs_f64() * 1e9 / events as f64
}

/// Returns the processor time of all threads so far; zero where the system does not report it.
fn processor_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let schedule = fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
