//! Flows that are declared in one piece: the machines share the input and the windows, and the results are those of one
//! process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flow::{EventTime, Flow, Window};
use futures_util::{Stream, StreamExt, stream};
use stage_core::testing::Sim;
use stage_core::{BoxError, Pipeline};
use stage_edge::flow::{Across, AcrossWindow, Mutant, Persist, Totals};
use stage_edge::memory::MemoryEdge;
use stage_edge::{EdgeSpec, Partition};
use tokio::time::{sleep, timeout};

use super::machine::{self, Results, Sum};
use super::plan::{self, assert_caught, verdict};
use super::sales::{MOST_AHEAD, SPAN, Sale, Sums, WAYS, of_some_in_one_process, sales, spec};
use crate::chance::Chance;
use crate::laws::seeds;
use crate::machine::{Machine, SECOND, options};
use crate::trouble::Trouble;

/// The number of sales of each way.
const EACH: u64 = 100;

fn is_counted(sale: &Sale) -> bool {
    sale.pence > 1
}

/// Returns the sales of a way, with pauses up to `pace` milliseconds.
fn paced(sales: Vec<Sale>, pace: u64, chance: Chance) -> impl Stream<Item = Sale> + Send + 'static {
    stream::unfold((chance, sales.into_iter()), move |(mut chance, mut sales)| async move {
        let sale = sales.next()?;
        sleep(chance.millis(pace)).await;
        Some((sale, (chance, sales)))
    })
}

/// Returns the flow of a machine, which counts in `opened` how often a way was begun.
fn windows(
    edge: MemoryEdge,
    spec: EdgeSpec,
    input: &[Vec<Sale>],
    pace: u64,
    opened: &Arc<AtomicU64>,
) -> AcrossWindow<MemoryEdge, Sale, u32, EventTime> {
    let recipe = |sales: &Vec<Sale>| {
        let (sales, opened) = (sales.clone(), Arc::clone(opened));
        move || {
            let seed = opened.fetch_add(1, Ordering::Relaxed);
            Box::pin(paced(sales.clone(), pace, Chance::seeded(seed)))
        }
    };
    Flow::from_streams(input.iter().map(recipe))
        .event_time(|sale: &Sale| sale.at, MOST_AHEAD)
        .filter(is_counted)
        .across(edge, "sales", 4, |sale| sale.shop)
        .spec(|_| spec)
        .window(Window::fixed(SPAN))
}

fn sum(sum: &mut (u64, u64), sale: Sale) {
    *sum = (sum.0 + 1, sum.1 + sale.pence);
}

fn merge(sum: &mut (u64, u64), more: (u64, u64)) {
    *sum = (sum.0 + more.0, sum.1 + more.1);
}

fn totals(
    edge: MemoryEdge,
    spec: EdgeSpec,
    input: &[Vec<Sale>],
    pace: u64,
    opened: &Arc<AtomicU64>,
) -> Totals<MemoryEdge, Sale, u32, (u64, u64)> {
    windows(edge, spec, input, pace, opened).reduce(|| (0, 0), sum)
}

type Plan = plan::Plan<Trouble>;

fn adapted<T: Persist>(
    plan: &Plan,
    totals: Totals<MemoryEdge, T, u32, (u64, u64)>,
) -> Totals<MemoryEdge, T, u32, (u64, u64)> {
    let totals = totals.snapshot_every(plan.snapshots);
    match plan.mutant {
        Some(mutant) => totals.with_mutant(mutant),
        None => totals,
    }
}

/// Runs machines under faults, and returns the violations of the law.
async fn run(
    server: MemoryEdge,
    plan: Plan,
    mut chance: Chance,
    input: Vec<Vec<Sale>>,
    expected: Sums,
) -> Vec<String> {
    let (results, opened) = (Results::default(), Arc::default());
    let start = async |name: String| {
        let windows = |edge| windows(edge, plan.spec.clone(), &input, plan.pace, &opened);
        if plan.combines {
            let combined = |edge| adapted(&plan, windows(edge).combine(|| (0, 0), sum, merge));
            return machine::start_totals(&server, &name, &results, plan.time, combined).await;
        }
        let reduced = |edge| adapted(&plan, windows(edge).reduce(|| (0, 0), sum));
        machine::start_totals(&server, &name, &results, plan.time, reduced).await
    };
    let mut machines = Vec::new();
    for number in 0..3 {
        machines.push(start(format!("m{number}")).await);
    }
    for number in 0..8 {
        sleep(chance.millis(3000)).await;
        let trouble = *chance.choose(&plan.troubles);
        let place = chance.place(3);
        let next = async || start(format!("m{}", 3 + number)).await;
        trouble.happen(&server, &mut machines[place], &mut chance, next).await;
    }
    let ends = async {
        while results.len() < expected.len() || server.frames("sales") > 0 {
            sleep(SECOND / 100).await;
        }
    };
    let faults = verdict(&server, &results, &expected, 300 * SECOND, ends).await;
    machines.into_iter().for_each(Machine::crash);
    faults
}

fn simulate(seed: u64, adapt: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut chance = Chance::seeded(seed);
    let mut plan = Plan::seeded(&mut chance, Trouble::ALL.to_vec());
    adapt(&mut plan);
    let input = sales(&mut chance, EACH);
    let expected = of_some_in_one_process(input.clone(), is_counted);
    Sim::seeded(seed).run(run(MemoryEdge::new(), plan, chance, input, expected))
}

#[test]
fn the_results_are_those_of_one_process_whatever_happens_to_the_machines() {
    for seed in 0..seeds() / 2 {
        let faults = simulate(seed, |_| {});
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

#[test]
fn combined_results_are_those_of_one_process_whatever_happens_to_the_machines() {
    for seed in 0..seeds() / 2 {
        let faults = simulate(seed, |plan| plan.combines = true);
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

#[test]
fn a_way_that_is_sent_again_and_counted_twice_is_caught() {
    assert_caught(|seed| {
        simulate(seed, |plan| {
            plan.combines = seed % 2 == 0;
            plan.mutant = Some(Mutant::ForgetsPlaces);
            plan.troubles = vec![Trouble::Crash];
        })
    });
}

/// Waits until the condition holds.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(SECOND / 100).await;
        }
    };
    timeout(300 * SECOND, waiting).await.expect("progress");
}

/// Returns the results of one process, from a thread of its own: the flow needs a runtime of its own.
fn expected_of(input: &[Vec<Sale>]) -> Sums {
    let input = input.to_vec();
    std::thread::spawn(move || of_some_in_one_process(input, is_counted)).join().expect("a flow")
}

#[tokio::test(start_paused = true)]
async fn machines_share_the_ways_and_one_that_has_ended_is_not_read_again() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let (input, opened) = (sales(&mut Chance::seeded(1), EACH), Arc::new(AtomicU64::new(0)));
    let expected = expected_of(&input);
    let make = |edge| totals(edge, spec(), &input, 300, &opened);
    let mut machines = Vec::new();
    for name in ["one", "two"] {
        machines.push(machine::start_totals(&server, name, &results, Duration::ZERO, make).await);
    }
    let owner = |way| server.owner("sales=ways", Partition(way));
    until(|| (0..WAYS).all(|way| owner(way).is_some())).await;
    assert_ne!(owner(0), owner(1));
    until(|| server.frames("sales") == 0 && results.len() == expected.len()).await;
    let before = opened.load(Ordering::Relaxed);
    for machine in machines {
        machine.leave().await;
    }
    let _three = machine::start_totals(&server, "three", &results, Duration::ZERO, make).await;
    until(|| (0..WAYS).all(|way| owner(way).is_some())).await;
    sleep(60 * SECOND).await;
    assert_eq!(opened.load(Ordering::Relaxed) - before, 0);
    assert_eq!(results.faults(&expected), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_drains_gives_its_ways_to_another_one_at_once() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let (input, opened) = (sales(&mut Chance::seeded(2), EACH), Arc::default());
    let expected = expected_of(&input);
    let make = |edge| totals(edge, spec(), &input, 1000, &opened);
    let one = machine::start_totals(&server, "one", &results, Duration::ZERO, make).await;
    let owner = |way| server.owner("sales=ways", Partition(way)).map(|by| by.as_str().to_owned());
    until(|| (0..WAYS).all(|way| owner(way).as_deref() == Some("one"))).await;
    let two = machine::start_totals(&server, "two", &results, Duration::ZERO, make).await;
    sleep(SECOND).await;
    one.leave().await;
    let of_two = until(|| (0..WAYS).all(|way| owner(way).as_deref() == Some("two")));
    timeout(SECOND, of_two).await.expect("sooner than the end of a lease");
    until(|| server.frames("sales") == 0 && results.len() == expected.len()).await;
    assert_eq!(results.faults(&expected), [""; 0]);
    two.leave().await;
}

/// Starts a pipeline that is expected to end, and returns its error.
async fn error_of(
    source: impl Fn() -> Result<stage_edge::EdgeSource<MemoryEdge, Sum>, BoxError> + Send + 'static,
) -> String {
    let pipeline =
        Pipeline::builder("sums").start("sales.in", source).acknowledged().finish_fn("drop", |_: Sum| {});
    match pipeline.start().await {
        Ok(running) => running.join().await.expect_err("an error").to_string(),
        Err(error) => error.to_string(),
    }
}

fn sale(shop: u32) -> Sale {
    Sale { shop, pence: 2, at: 1 }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_ends_the_pipeline_with_one_line() {
    let fails = |sale: &Sale| {
        assert_ne!(sale.shop, 3, "no such shop");
        true
    };
    let totals = Flow::from_items([sale(1), sale(3)])
        .event_time(|sale: &Sale| sale.at, MOST_AHEAD)
        .filter(fails)
        .across(MemoryEdge::new(), "sales", 4, |sale| sale.shop)
        .window(Window::fixed(SPAN))
        .reduce(|| (0, 0), sum)
        .source_options(options("one"));
    let error = error_of(move || totals.source()).await;
    assert!(error.contains("the ways into edge `sales`: a function of the flow panicked"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn what_cannot_be_read_again_and_what_has_no_effect_is_refused() {
    let edge = MemoryEdge::new;
    let at = |sale: &Sale| sale.at;
    let by = |sale: &Sale| sale.shop;
    let (_sender, receiver) = tokio::sync::mpsc::channel::<Sale>(1);
    let window = || Window::fixed(SPAN);
    let error = |totals: Totals<MemoryEdge, Sale, u32, (u64, u64)>| {
        totals.source().expect_err("an error").to_string()
    };

    let channel = Flow::from_channel(receiver).event_time(at, MOST_AHEAD).across(edge(), "sales", 4, by);
    let channel = error(channel.window(window()).reduce(|| (0, 0), sum));
    assert!(channel.contains("`the source before across` at "), "{channel}");
    assert!(
        channel.ends_with("cannot be \"channel\": after a restart it is read again from its first event"),
        "{channel}"
    );

    let sales = Flow::from_items([sale(1)]).event_time(at, MOST_AHEAD);
    let late =
        sales.clone().late(|_| {}).across(edge(), "sales", 4, by).window(window()).reduce(|| (0, 0), sum);
    let late = error(late);
    assert!(
        late.ends_with("cannot be before across: count the late events behind it: `Window::count_late`"),
        "{late}"
    );

    let early =
        sales.clone().window(window()).across(edge(), "sales", 4, by).window(window()).reduce(|| (0, 0), sum);
    assert!(error(early).contains("has a window but no reducer"));

    let clock = window().trigger_periodically(SECOND);
    let clock = sales.clone().across(edge(), "sales", 4, by).window(clock).reduce(|| (0, 0), sum);
    assert!(error(clock).contains("a state that moves between machines has no clock"));

    let combined = |flow: AcrossWindow<MemoryEdge, Sale, u32, EventTime>| {
        flow.combine(|| (0, 0), sum, merge).source().expect_err("an error").to_string()
    };
    let often = sales.clone().across(edge(), "sales", 4, by).window(window().trigger_every(3));
    let often = combined(often);
    assert!(
        often.ends_with("cannot be 3: combined events are not counted: fold them by `reduce`"),
        "{often}"
    );
    let pauses = sales.clone().idle_after(SECOND).across(edge(), "sales", 4, by).window(window());
    let pauses = combined(pauses);
    assert!(
        pauses.contains("`idle_after` at ") && pauses.contains("cannot be 1s: combined events wait"),
        "{pauses}"
    );

    let nothing = Flow::from_iters(Vec::<Vec<Sale>>::new()).event_time(at, MOST_AHEAD);
    let nothing = error(nothing.across(edge(), "sales", 4, by).window(window()).reduce(|| (0, 0), sum));
    assert!(nothing.ends_with("it has no parts"), "{nothing}");
}

#[tokio::test(start_paused = true)]
async fn combined_events_cross_once_for_each_key_and_window() {
    let sales: Vec<_> = (0..2000_u32).map(|number| Sale { at: number.into(), ..sale(number % 5) }).collect();
    // Each event, or value, is a frame of its own.
    let windows = |edge| {
        Flow::from_items(sales.clone())
            .event_time(|sale: &Sale| sale.at, Duration::MAX)
            .across(edge, "sales", 1, |sale| sale.shop)
            .spec(|spec| spec.frame_bytes(1))
            .window(Window::fixed(SECOND))
    };
    let of_shop = |shop| [((0, shop), (200, 400)), ((1000, shop), (200, 400))];
    let expected: Sums = (0..5).flat_map(of_shop).collect();
    let most_frames = async |server: MemoryEdge, results: Results, machine: Machine| {
        until(|| results.len() == expected.len() && server.frames("sales") == 0).await;
        assert_eq!(results.sums(), expected);
        machine.leave().await;
        server.most_frames("sales")
    };

    let (server, results) = (MemoryEdge::new(), Results::default());
    let combined = |edge| windows(edge).combine(|| (0, 0), sum, merge);
    let machine = machine::start_totals(&server, "one", &results, Duration::ZERO, combined).await;
    let combined = most_frames(server, results, machine).await;

    let (server, results) = (MemoryEdge::new(), Results::default());
    let reduced = |edge| windows(edge).reduce(|| (0, 0), sum);
    let machine = machine::start_totals(&server, "one", &results, Duration::ZERO, reduced).await;
    let reduced = most_frames(server, results, machine).await;
    // Ten values and the end of the way.
    assert!(combined <= 11 && reduced > 11, "{combined} frames with combined events, {reduced} without");
}

/// Windows do not wait for an idle part, and files and slices are one part.
#[tokio::test(start_paused = true)]
async fn an_idle_part_is_not_awaited_and_a_slice_is_one_part() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let streams = [vec![sale(1), Sale { at: 500, ..sale(1) }], vec![]];
    let streams =
        streams.map(|sales: Vec<Sale>| move || stream::iter(sales.clone()).chain(stream::pending()));
    let idle = |edge| {
        Flow::from_streams(streams)
            .event_time(|sale: &Sale| sale.at, Duration::MAX)
            .idle_after(SECOND)
            .across(edge, "idle", 4, |sale| sale.shop)
            .window(Window::fixed(SPAN))
            .reduce(|| (0, 0), sum)
    };
    let _idle = machine::start_totals(&server, "one", &results, Duration::ZERO, idle).await;
    until(|| results.len() == 1).await;
    assert_eq!(results.sums(), [((0, 1), (1, 2))].into_iter().collect());

    let results = Results::default();
    let sales: Vec<_> = (0..20_000).map(|number| Sale { at: number, ..sale(7) }).collect();
    let slice = |edge| {
        Flow::from_slice(sales)
            .event_time(|sale: &Sale| sale.at, Duration::MAX)
            .stages(4)
            .across(edge, "slice", 1, |sale| sale.shop)
            .window(Window::fixed(10 * SECOND))
            .reduce(|| (0, 0), sum)
    };
    let _slice = machine::start_totals(&server, "one", &results, Duration::ZERO, slice).await;
    until(|| results.len() == 2).await;
    assert_eq!(server.owner("slice=ways", Partition(1)), None);
    assert_eq!(results.sums()[&(10_000, 7)], (10_000, 20_000));
}
