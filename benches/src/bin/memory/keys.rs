//! The memory that a key costs in each step that keeps keys, beside a hash table by hand: all keys are 8 bytes, come
//! once, and are kept until the end.

use std::{
    collections::VecDeque,
    error::Error,
    hint::black_box,
    iter,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use benches::runtime::{WORKERS, runtime};
use flow::{
    Chain, Flow, LayerFlow, Origin, Recent, Sessions, Tally, Window,
    join::Inner,
    time::{Timed, Untimed},
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{apart, resident};

/// Resident memory when the last key has been read, in KiB.
#[derive(Clone, Debug, Default)]
struct Held(Arc<AtomicU64>);

impl Held {
    fn note(&self) {
        self.0.fetch_max(resident::now().unwrap_or_default(), Ordering::Relaxed);
    }

    /// Returns all keys, and notes the memory at their end.
    fn keys(&self, count: u64) -> impl Iterator<Item = u64> + Send + use<> {
        let held = self.clone();
        let at_end = iter::from_fn(move || {
            held.note();
            None
        });
        (0..count).map(key).chain(at_end)
    }
}

/// Returns the key with this number: all 64 bits differ between neighbours, and no two keys are equal.
const fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Keeps a number of keys until the end of the input; returns how many there were.
type Keeps = fn(u64, &Held) -> Result<u64, Box<dyn Error>>;

/// The cases: their names, and who keeps the keys.
const CASES: [(&str, Keeps); 16] = [
    ("hand: map", |keys, held| {
        let mut counts = FxHashMap::<u64, u64>::default();
        held.keys(keys).for_each(|key| *counts.entry(key).or_insert(0) += 1);
        Ok(counts.values().sum())
    }),
    ("reduce", |keys, held| {
        let counts = |counts: &mut FxHashMap<u64, u64>, key| *counts.entry(key).or_insert(0) += 1;
        count(apart_by_key(keys, held).stages(WORKERS).reduce(FxHashMap::default, counts).emit())
    }),
    ("reduce, Recent", |keys, held| {
        let evicted = Tally::new();
        let most = room(keys);
        let counts = |counts: &mut Recent<u64, u64>, key| *counts.entry(key, || 0) += 1;
        let recent =
            apart_by_key(keys, held).stages(WORKERS).reduce(move || Recent::new(most, &evicted), counts);
        count(recent.emit())
    }),
    ("count_by", |keys, held| count(source(keys, held).count_by(|key| *key))),
    ("hand: set", |keys, held| {
        let mut seen = FxHashSet::<u64>::default();
        Ok(held.keys(keys).filter(|key| seen.insert(*key)).count() as u64)
    }),
    ("uniq_by", |keys, held| count(apart_by_key(keys, held).stages(WORKERS).uniq_by(|key| *key))),
    ("hand: set and queue", |keys, held| {
        let (mut seen, mut order) = (FxHashSet::<u64>::default(), VecDeque::new());
        let new =
            held.keys(keys).filter(|key| seen.insert(*key)).inspect(|key| order.push_back(*key)).count();
        black_box(&order);
        Ok(new as u64)
    }),
    ("uniq_by_most", |keys, held| {
        let flow = apart_by_key(keys, held).stages(WORKERS);
        count(flow.uniq_by_most(room(keys), &Tally::new(), |key| *key))
    }),
    ("hand: map of sessions", |keys, held| {
        let mut open = FxHashMap::<u64, (u64, i64, i64)>::default();
        for (key, at) in held.keys(keys).zip(0..) {
            let (count, _, end) = open.entry(key).or_insert((0, at, at));
            (*count, *end) = (*count + 1, at);
        }
        Ok(open.values().map(|(count, ..)| count).sum())
    }),
    ("sessions", |keys, held| {
        let gap = Sessions::new(Duration::MAX);
        let flow = timed(keys, held).partition(|key| *key).stages(WORKERS);
        count(flow.sessions(gap, |key| *key, || 0_u64, |count, _| *count += 1, |count, more| *count += more))
    }),
    ("hand: map with deadlines", |keys, held| {
        let mut open = FxHashMap::<u64, (u64, i64)>::default();
        held.keys(keys).for_each(|key| open.entry(key).or_insert((0, i64::MAX)).0 += 1);
        Ok(open.values().map(|(count, _)| count).sum())
    }),
    ("deadlines", |keys, held| {
        let flow = timed(keys, held).partition(|key| *key).stages(WORKERS);
        count(flow.deadlines(
            |key| *key,
            || 0_u64,
            |count, _| {
                *count += 1;
                i64::MAX
            },
        ))
    }),
    ("hand: map of pairs", |keys, held| {
        let mut pairs = FxHashMap::<u64, (Option<u64>, Option<u64>)>::default();
        (0..keys).map(key).for_each(|key| pairs.entry(key).or_default().0 = Some(key));
        held.keys(keys).for_each(|key| pairs.entry(key).or_default().1 = Some(key));
        Ok(pairs.values().filter(|(left, right)| left.is_some() && right.is_some()).count() as u64)
    }),
    ("window_join", |keys, held| {
        let window = Window::fixed(Duration::from_secs(1 << 40));
        let (left, right) = (timed(keys, held), timed(keys, held));
        count(left.window_join(Inner, window, right, |key| *key, |key| *key))
    }),
    ("hand: map of rows", |keys, held| {
        let table: FxHashMap<u64, (u64, u64)> = held.keys(keys).map(|key| (key, (key, key))).collect();
        Ok(table.len() as u64)
    }),
    ("lookup_join", |keys, held| {
        let (few, table) = (Flow::from_items((0..1000).map(key)), source(keys, held).map(|key| (key, key)));
        count(few.lookup_join(Inner, table, |key| *key, |row| row.0))?;
        Ok(keys)
    }),
];

fn source(keys: u64, held: &Held) -> Flow<impl Chain<Out = u64, Origin: Origin<Time = Untimed>> + use<>> {
    let held = held.clone();
    Flow::from_fn(move || held.keys(keys))
}

fn apart_by_key(keys: u64, held: &Held) -> LayerFlow<Untimed, u64> {
    let held = held.clone();
    Flow::from_fn(move || held.keys(keys)).partition(|key| *key)
}

/// Returns the keys as events of consecutive milliseconds.
fn timed(
    keys: u64,
    held: &Held,
) -> Flow<impl Chain<Out = u64, Origin: Origin<Item = u64, Time = Timed>> + use<>> {
    let held = held.clone();
    let number = |key: &u64| i64::try_from(key.wrapping_mul(INVERSE)).unwrap_or_default();
    Flow::from_fn(move || held.keys(keys)).event_time(number, Duration::MAX)
}

/// Undoes the multiplication of [`key`].
const INVERSE: u64 = 0xF1DE_83E1_9937_733D;

/// Returns how many keys a stage can have: more than its share, so that none is evicted.
fn room(keys: u64) -> usize {
    usize::try_from(keys).unwrap_or(usize::MAX - 1)
}

fn count<C: Chain>(flow: Flow<C>) -> Result<u64, Box<dyn Error>> {
    Ok(runtime()?.block_on(async move { flow.count().await })?)
}

/// Measures each case with `keys` keys, or only one, in this process.
pub(crate) fn run(keys: u64, only: Option<&str>) -> Result<(), Box<dyn Error>> {
    if let Some(name) = only {
        let case = CASES.iter().find(|(case, _)| *case == name);
        let (name, keeps) = case.ok_or_else(|| format!("there is no case `{name}`"))?;
        return one(name, *keeps, keys);
    }
    println!("| {keys} keys | bytes per key, all held | bytes per key, at most |");
    println!("|---|---|---|");
    for (name, _) in CASES {
        print!("{}", apart::printed(&["keys", "--case", name, "--keys", &keys.to_string()])?);
    }
    Ok(())
}

fn one(name: &str, keeps: Keeps, keys: u64) -> Result<(), Box<dyn Error>> {
    let (before, held) = (resident::now()?, Held::default());
    let found = keeps(keys, &held)?;
    if found != keys {
        return Err(format!("{name}: {found} of {keys} keys").into());
    }
    let of_a_key = |kibibytes: u64| kibibytes.saturating_sub(before) * 1024 / keys.max(1);
    println!("| {name} | {} | {} |", of_a_key(held.0.load(Ordering::Relaxed)), of_a_key(resident::peak()?));
    Ok(())
}
