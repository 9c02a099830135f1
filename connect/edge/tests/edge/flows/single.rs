//! Flows without faults of machines: failed results, take-overs, refusals.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::Window;
use futures_util::{StreamExt, stream};
use stage_core::Pipeline;
use stage_core::ack::{Delivery, Reason};
use stage_edge::flow::{KeyedWindows, Numbered, Windowed};
use stage_edge::memory::MemoryEdge;
use stage_edge::{EdgeSpec, Format, Partition, SchemaId};
use tokio::time::Instant;

use super::machine::{self, Results, Sum};
use super::sales::{Sale, WAYS, of_one_process, sales, spec, ways, windowed};
use crate::chance::Chance;
use crate::machine::{SECOND, options};

async fn send_all(server: &MemoryEdge, spec: &EdgeSpec, input: &[Vec<Sale>]) {
    let ways = ways(server.machine("ways"), spec.clone());
    for (way, sales) in (0..).zip(input) {
        let way = ways.open(way).await.expect("an edge");
        way.send_all(stream::iter(sales.clone()), Duration::MAX).await.expect("a server");
    }
}

#[tokio::test(start_paused = true)]
async fn another_machine_goes_on_within_a_lease_and_the_snapshot() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let input = sales(&mut Chance::seeded(1), 400);
    let make = |edge| windowed(edge, spec());
    let one = machine::start(&server, "one", &results, SECOND / 20, make).await;
    server.until(|server| (0..4).all(|p| server.owner("sales", Partition(p)).is_some())).await;
    let _two = machine::start(&server, "two", &results, SECOND / 20, make).await;
    let sending = tokio::spawn({
        let (server, input) = (server.clone(), input.clone());
        async move { send_all(&server, &spec(), &input).await }
    });
    tokio::time::sleep(SECOND).await;
    one.crash();
    let crashed = Instant::now();
    let of_two =
        |partition| server.owner("sales", Partition(partition)).is_some_and(|by| by.as_str() == "two");
    while !(0..4).all(of_two) {
        tokio::time::sleep(SECOND / 100).await;
    }
    assert!(crashed.elapsed() <= 4 * SECOND + 5 * SECOND, "{:?}", crashed.elapsed());
    sending.await.unwrap();
    server.until(|server| server.frames("sales") == 0).await;
    // The results behind the last snapshot of the first machine.
    assert!(results.again() < results.len(), "{} of {}", results.again(), results.len());
    assert_eq!(results.faults(&of_one_process_beside(input)), [""; 0]);
}

/// A flow runs in a runtime of its own.
fn of_one_process_beside(input: Vec<Vec<Sale>>) -> super::sales::Sums {
    std::thread::spawn(|| of_one_process(input)).join().expect("a flow")
}

#[tokio::test(start_paused = true)]
async fn a_result_that_fails_is_repeated_with_its_number_and_becomes_a_dead_letter_alone() {
    let server = MemoryEdge::new();
    let spec = spec().attempts(3);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (from, record) =
        (windowed(server.clone(), spec.clone()).source_options(options("one")), Arc::clone(&seen));
    let pipeline = Pipeline::builder("sums").start("sales.in", move || Ok(from.source())).finish_fn(
        "record",
        move |sum: Delivery<Sum>| {
            let (sum, token) = sum.into_parts();
            let fails = sum.partition == 0 && sum.number == 1;
            record.lock().unwrap().push(sum);
            if fails { token.reject(Reason::failed("no ink")) } else { token.acknowledge() }
        },
    );
    let running = pipeline.start().await.unwrap();
    let input = sales(&mut Chance::seeded(1), 100);
    send_all(&server, &spec, &input).await;
    server.until(|server| server.frames("sales") == 0).await;
    running.drain(10 * SECOND).await.unwrap();
    let dead: Vec<_> = server
        .dead_letters()
        .into_iter()
        .map(|letter| (letter.position, letter.attempts, letter.cause))
        .collect();
    assert_eq!(dead, [("sales.0.result-1".to_owned(), 3, "no ink".to_owned())]);
    let letter = server.dead_letters().remove(0);
    let buried: Sum = postcard::from_bytes(&letter.event).unwrap();
    let mut distinct = seen.lock().unwrap().clone();
    assert!(distinct.contains(&buried));
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), of_one_process_beside(input).len());
}

/// Starts a pipeline that is expected to end, and returns its error.
async fn error_of(server: &MemoryEdge, change: impl FnOnce(EdgeSpec) -> EdgeSpec, version: u32) -> String {
    let from = windowed(server.clone(), change(spec())).version(version).source_options(options("one"));
    let pipeline = Pipeline::builder("sums")
        .start("sales.in", move || Ok(from.source()))
        .acknowledged()
        .finish_fn("drop", |_: Sum| {});
    match pipeline.start().await {
        Ok(running) => running.join().await.expect_err("an error").to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_version_ends_the_pipeline_and_stays() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let machine =
        machine::start(&server, "one", &results, Duration::ZERO, |edge| windowed(edge, spec())).await;
    let input = sales(&mut Chance::seeded(1), 100);
    send_all(&server, &spec(), &input).await;
    server.until(|server| server.frames("sales") == 0).await;
    machine.running.drain(10 * SECOND).await.unwrap();
    let error = error_of(&server, |spec| spec, 2).await;
    assert!(error.contains("it has version 1, windows of 100 ms"), "{error}");
    assert!(error.contains("this program has version 2"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_edge_without_partitions_and_an_unknown_way_are_named() {
    let pool = |mut spec: EdgeSpec| {
        spec.partitions = None;
        spec
    };
    let error = error_of(&MemoryEdge::new(), pool, 1).await;
    assert!(error.contains("a flow needs an edge with partitions"), "{error}");
    let (server, results) = (MemoryEdge::new(), Results::default());
    let _machine =
        machine::start(&server, "one", &results, Duration::ZERO, |edge| windowed(edge, spec())).await;
    let mut way = ways(server.clone(), spec()).open(WAYS).await.unwrap();
    way.send(Sale { shop: 1, pence: 1, at: 1 }).await.unwrap();
    way.idle().await.unwrap();
    server.until(|server| server.frames("sales") == 0 && !server.dead_letters().is_empty()).await;
    assert_eq!(server.dead_letters()[0].cause, "way 2 is none of the 2 ways of this flow");
}

#[tokio::test(start_paused = true)]
async fn a_way_that_pauses_is_not_awaited() {
    let (server, results) = (MemoryEdge::new(), Results::default());
    let _machine =
        machine::start(&server, "one", &results, Duration::ZERO, |edge| windowed(edge, spec())).await;
    let of = |at| Sale { shop: 1, pence: 1, at };
    let ways = ways(server.clone(), spec());
    let paused = ways.open(1).await.unwrap().send_all(stream::pending(), SECOND);
    let paused = tokio::spawn(paused);
    let sales = stream::iter([of(10), of(20), of(150), of(400), of(420)]).chain(stream::pending());
    let sending = tokio::spawn(ways.open(0).await.unwrap().send_all(sales, Duration::MAX));
    let begun = Instant::now();
    while results.len() < 2 {
        assert!(begun.elapsed() < 60 * SECOND, "{results:?}");
        tokio::time::sleep(SECOND / 10).await;
    }
    let expected = [((0, 1), (2, 2)), ((100, 1), (1, 1))];
    assert_eq!(results.sums(), expected.into_iter().collect());
    paused.abort();
    sending.abort();
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_ends_the_pipeline_and_the_frame_stays() {
    let server = MemoryEdge::new();
    let fold = |sum: &mut u64, sale: Sale| {
        assert_ne!(sale.shop, 3, "no such shop");
        *sum += 1;
    };
    let windows = KeyedWindows::new(Window::fixed(SECOND), |sale: &Sale| sale.shop, || 0, fold).unwrap();
    let format = Format::postcard(SchemaId::new("Sale", 1));
    let from = Windowed::new(server.clone(), spec(), format, windows, WAYS).source_options(options("one"));
    let pipeline = Pipeline::builder("sums")
        .start("sales.in", move || Ok(from.source()))
        .acknowledged()
        .finish_fn("drop", |_: Numbered<u32, u64>| {});
    let running = pipeline.start().await.unwrap();
    let mut way = ways(server.clone(), spec()).open(0).await.unwrap();
    way.send(Sale { shop: 3, pence: 1, at: 1 }).await.unwrap();
    way.idle().await.unwrap();
    let error = running.join().await.unwrap_err().to_string();
    assert!(error.contains("a function of the flow panicked at frame 0000000000000000-"), "{error}");
    assert!(server.frames("sales") > 0);
}
