//! Check that `run` needs constant memory: generated lines through steps, a partition and a reducer.

use std::{
    error::Error,
    iter,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use benches::{
    random::SplitMix,
    runtime::{WORKERS, runtime},
};
use flow::{Flow, Window};

use crate::resident;

/// Average bytes of a line, of 64 to 191.
const LINE: u64 = 128;
/// Interval between samples of the memory.
const PERIOD: Duration = Duration::from_millis(250);
/// Number of keys.
const KEYS: u64 = 1000;

/// Returns lines of `bytes` bytes in total.
fn lines(seed: u64, bytes: u64) -> impl Iterator<Item = Vec<u8>> + Send {
    let mut random = SplitMix::seeded(seed);
    let mut left = bytes;
    iter::from_fn(move || {
        let length = left.min(LINE / 2 + random.below(LINE));
        left -= length;
        let key = random.below(KEYS).to_le_bytes();
        let line = key.into_iter().cycle().take(usize::try_from(length).unwrap_or_default());
        (length > 0).then(|| line.collect())
    })
}

/// Runs the flow over `bytes` bytes.
pub(crate) fn run(bytes: u64) -> Result<(), Box<dyn Error>> {
    let handled = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&handled);
    let share = bytes / WORKERS as u64;
    let recipes = (0..WORKERS as u64).map(move |seed| Lines { seed, bytes: share });
    let flow = Flow::from_iters(recipes)
        .filter(|line| !line.is_empty())
        .map(|line| (u64::from(line[0]), line))
        .partition(|(key, _)| *key)
        .map(move |(key, line)| {
            counted.fetch_add(line.len() as u64, Ordering::Relaxed);
            (key, line)
        })
        .window(Window::count(10_000))
        .reduce(|| 0_u64, |bytes, (_, line)| *bytes += line.len() as u64)
        .emit_state();
    let began = Instant::now();
    let runtime = runtime()?;
    let running = runtime.spawn(async move { flow.run().await });
    let mut seen = Vec::new();
    while !running.is_finished() {
        std::thread::sleep(PERIOD);
        seen.push(resident::now()?);
        if seen.len() % 20 == 0 {
            println!("{:6.1} s: {} KiB", began.elapsed().as_secs_f64(), seen[seen.len() - 1]);
        }
    }
    runtime.block_on(running)??;
    let (handled, took) = (handled.load(Ordering::Relaxed), began.elapsed());
    println!("{handled} bytes in {:.1} s", took.as_secs_f64());
    if handled != share * WORKERS as u64 {
        return Err(format!("{handled} bytes were handled, not {}", share * WORKERS as u64).into());
    }
    judge(&seen)
}

/// Fails if memory grew from the first half to the second by more than a tenth and 8 MiB.
fn judge(seen: &[u64]) -> Result<(), Box<dyn Error>> {
    let (first, second) = seen.split_at(seen.len() / 2);
    let most = |half: &[u64]| half.iter().copied().max().unwrap_or_default();
    let (before, after) = (most(first), most(second));
    println!(
        "at most {before} KiB in the first half, {after} KiB in the second, {} KiB ever",
        resident::peak()?
    );
    if !first.is_empty() && after > before + before / 10 + 8 * 1024 {
        return Err("memory grew".into());
    }
    Ok(())
}

/// Makes the lines of one source, at every run of the flow.
#[derive(Clone, Debug)]
struct Lines {
    seed: u64,
    bytes: u64,
}

impl IntoIterator for Lines {
    type Item = Vec<u8>;
    type IntoIter = Box<dyn Iterator<Item = Vec<u8>> + Send>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(lines(self.seed, self.bytes))
    }
}
