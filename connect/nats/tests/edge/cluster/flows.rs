//! One flow on several machines, which share its input and its windows: counts while workers and the server are killed,
//! beside those of one process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flow::{Flow, Window, WindowId};
use serde::{Deserialize, Serialize};
use stage_core::{Pipeline, StepOptions};
use stage_edge::flow::{Across, Numbered};
use stage_edge::{EdgeSpec, SourceOptions};
use stage_nats::edge::NatsEdge;
use tokio::time::sleep;

use super::crew::{Crew, Kind};
use super::scene::Scene;
use super::{PAUSE, SILENCE, Scale};
use crate::{LEASE, start};

const WAYS: u32 = 3;
const SPAN: Duration = Duration::from_millis(100);
const MOST_AHEAD: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sale {
    shop: u32,
    at: i64,
}

/// The counts of the windows, by start and shop.
type Counts = BTreeMap<(i64, u32), u64>;

fn spec(scale: Scale) -> EdgeSpec {
    scale.spec(LEASE).frame_bytes(400).frames_kept(16)
}

/// Returns the sales of each way; each tenth is out of order, and some of these are late.
fn sales(scale: Scale) -> Vec<Vec<Sale>> {
    let of_way = |way: u32| {
        let numbered = |number: u32| {
            let mixed = (number ^ way).wrapping_mul(0x9e37_79b1) >> 8;
            let behind = if number.is_multiple_of(10) { mixed % 300 } else { mixed % 20 };
            let (shop, at) = (mixed % scale.keys, i64::from(number) * 7 - i64::from(behind));
            Sale { shop, at }
        };
        (0..scale.events / WAYS).map(numbered).collect()
    };
    (0..WAYS).map(of_way).collect()
}

/// Returns the counts of a flow in one process.
async fn of_one_process(parts: Vec<Vec<Sale>>) -> Counts {
    let flow = Flow::from_iters(parts)
        .event_time(|sale: &Sale| sale.at, MOST_AHEAD)
        .partition(|sale| sale.shop)
        .window(Window::fixed(SPAN))
        .reduce(BTreeMap::new, |counts, sale: Sale| *counts.entry(sale.shop).or_insert(0_u64) += 1)
        .on_trigger(|counts: BTreeMap<u32, u64>, trigger| {
            let WindowId::Fixed(start) = trigger.window else { unreachable!("fixed windows") };
            let results: Vec<_> = counts.iter().map(|(shop, count)| ((start, *shop), *count)).collect();
            (results, counts)
        });
    flow.collect().await.unwrap()
}

/// Sends its share of the sales, and counts those of the partitions that it owns, until it is asked to leave. Each count is
/// a line of the log.
pub(super) async fn work(
    edge: NatsEdge,
    scale: Scale,
    name: &str,
    log: Arc<File>,
    pace: Duration,
    leave: &Path,
) {
    let counts = Flow::from_iters(sales(scale))
        .event_time(|sale: &Sale| sale.at, MOST_AHEAD)
        .across(edge, "orders", scale.partitions, |sale| sale.shop)
        .spec(|_| spec(scale))
        .window(Window::fixed(SPAN))
        .reduce(|| 0, |count: &mut u64, _| *count += 1)
        .snapshot_every(Duration::from_millis(500))
        .source_options(SourceOptions::new(name));
    let pipeline = Pipeline::builder("counts")
        .start("sales.in", move || counts.source())
        .acknowledged()
        .finish_fn(StepOptions::named("record").max_demand(16), move |count: Numbered<u32, u64>| {
            std::thread::sleep(pace);
            let Numbered { partition, number, result } = count;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let (start, shop, count) = (result.start, result.key, result.value);
            let line = format!("{partition} {number} {start} {shop} {count} {now}\n");
            (&*log).write_all(line.as_bytes()).expect("the file of counts");
        });
    let running = pipeline.start().await.unwrap();
    while !leave.exists() {
        sleep(PAUSE).await;
    }
    running.drain(Duration::from_secs(60)).await.unwrap();
}

/// A partition and the number of a result in it.
type Place = (u32, u64);
/// A result, and the time at which it was first handed out.
type First = ((i64, u32, u64), u64);

/// The counts that were handed out so far.
struct Judge {
    lines: BufReader<File>,
    rest: String,
    counts: BTreeMap<Place, First>,
    again: usize,
    scene: Scene,
}

impl Judge {
    fn new(crew: &Crew) -> Self {
        let lines = BufReader::new(File::open(crew.log()).unwrap());
        Self { lines, rest: String::new(), counts: BTreeMap::new(), again: 0, scene: crew.scene() }
    }

    fn look(&mut self) {
        while self.lines.read_line(&mut self.rest).unwrap() > 0 && self.rest.ends_with('\n') {
            let line = std::mem::take(&mut self.rest);
            let words: Vec<i64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
            let &[partition, number, start, shop, count, now] = &words[..] else { panic!("{line}") };
            let unsigned = |word: i64| u64::try_from(word).unwrap();
            let small = |word: i64| u32::try_from(word).unwrap();
            let place = (small(partition), unsigned(number));
            let found = (start, small(shop), unsigned(count));
            match self.counts.get(&place) {
                None => drop(self.counts.insert(place, (found, unsigned(now)))),
                Some((before, _)) => {
                    assert_eq!(
                        *before, found,
                        "result {number} of partition {partition} was handed out again"
                    );
                    self.again += 1;
                }
            }
        }
    }

    /// Waits until this number of counts were handed out.
    async fn until(&mut self, number: usize) {
        let (mut before, mut progress) = (0, Instant::now());
        loop {
            self.look();
            let distinct = self.counts.len();
            if distinct >= number {
                return;
            }
            if distinct > before {
                (before, progress) = (distinct, Instant::now());
            }
            if progress.elapsed() >= SILENCE {
                let scene = self.scene.describe().await;
                panic!("no progress at {distinct} of {number} counts\n{scene}");
            }
            sleep(PAUSE).await;
        }
    }

    fn counts(&self) -> Counts {
        self.counts.values().map(|((start, shop, count), _)| ((*start, *shop), *count)).collect()
    }

    /// Returns the longest time between two counts of a partition.
    fn silence(&self) -> Duration {
        let pairs = self.counts.iter().zip(self.counts.iter().skip(1));
        let same = pairs.filter(|((one, _), (two, _))| one.0 == two.0);
        let longest = same.map(|((_, (_, one)), (_, (_, two)))| two.saturating_sub(*one)).max();
        Duration::from_millis(longest.unwrap_or_default())
    }
}

/// `EDGE_STRICT` also checks the time that a take-over takes, on a machine that is not busy otherwise.
#[tokio::test]
async fn windowed_counts_of_workers_that_are_killed_are_those_of_one_process() {
    let scale = Scale::from_environment();
    let Some((mut server, _edge)) = start(&spec(scale)).await else { return };
    let expected = of_one_process(sales(scale)).await;
    let mut crew = Crew::new(&server, &spec(scale), Duration::from_micros(500)).running(Kind::Flow);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew);
    let steps = scale.kills as usize + 2;
    for kill in 1..steps {
        judge.until(kill * expected.len() / steps).await;
        if kill > scale.kills as usize {
            server.kill_and_restart().await;
        } else {
            crew.replace();
        }
    }
    judge.until(expected.len()).await;
    assert_eq!(judge.counts(), expected);
    assert_eq!(judge.counts.len(), expected.len(), "a window has two last results");
    let (again, silence) = (judge.again, judge.silence());
    println!(
        "{} kills: {} counts, {again} handed out again, longest silence {silence:?}",
        scale.kills,
        expected.len()
    );
    if std::env::var_os("EDGE_STRICT").is_some() {
        assert!(silence <= LEASE + Duration::from_secs(5), "{silence:?}");
    }
}
