//! What is made of a frame is stored once in the next edge, under faults in an order determined by a seed; and mutants.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{Disposition, Pull, PullOptions, Settle, source};
use stage_core::ack::Delivery;
use stage_core::testing::Sim;
use stage_core::{Emitter, Events, Pipeline, ProducerConsumer, StageResult, StepOptions};
use stage_edge::memory::{Fault, MemoryEdge, Network};
use stage_edge::{Across, Edge, EdgeSink, EdgeSource, EdgeSpec, Epoch, Format, Frame, Partition, SchemaId};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::laws::seeds;
use crate::machine::{Machine, SECOND, events, format, options, sender, spec};
use crate::recorder::{Event, Life};
use crate::trouble::{Trouble, troubled};

const KEYS: u32 = 12;
const EACH: u32 = 12;

/// Makes no, one or three events of one; their keys follow from its key.
fn make(Event { key, number }: Event) -> Vec<Event> {
    match key % 4 {
        0 => Vec::new(),
        1 => vec![Event { key: 100 + key, number }],
        _ => vec![
            Event { key: 100 + key, number: 2 * number },
            Event { key: 200 + key, number },
            Event { key: 100 + key, number: 2 * number + 1 },
        ],
    }
}

/// Takes some time for each event.
struct Wait(Duration);

impl ProducerConsumer for Wait {
    type In = Delivery<Event>;
    type Out = Delivery<Event>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Event>>,
        out: &mut Emitter<'_, Delivery<Event>>,
    ) -> StageResult {
        for event in events {
            if !self.0.is_zero() {
                sleep(self.0).await;
            }
            out.emit(event);
        }
        Ok(())
    }
}

/// The edge behind the steps, which holds all that is made.
fn totals() -> EdgeSpec {
    EdgeSpec::new("shop", "totals").partitions(3).frames_kept(100_000).once(true)
}

fn totals_format() -> Format<Event> {
    Format::postcard(SchemaId::new("Total", 1))
}

/// Starts a machine that receives from one edge, and sends what it makes to the other.
async fn relay(
    server: &MemoryEdge,
    name: &str,
    orders: &EdgeSpec,
    totals: &EdgeSpec,
    time: Duration,
) -> Machine {
    let edge = server.machine(name);
    let (from, orders, options) = (edge.clone(), orders.clone(), options(name));
    let (to, totals) = (edge.clone(), totals.clone());
    let pipeline = Pipeline::builder(name)
        .start("orders.in", move || {
            Ok(EdgeSource::new(from.clone(), orders.clone(), format(), options.clone()))
        })
        .acknowledged()
        .by(|event: &Event| event.key)
        .step_fn(StepOptions::named("price").count(3), |event| event)
        .step_many("make", make)
        .step("wait", move || Ok(Wait(time)))
        .finish("totals.out", move || {
            let key = |event: &Event, into: &mut Vec<u8>| {
                into.extend(postcard::to_stdvec(&event.key)?);
                Ok(())
            };
            Ok(EdgeSink::by(to.clone(), totals.clone(), totals_format(), key))
        });
    Machine::new(edge, Life::new(), pipeline.start().await.expect("a start"))
}

/// Takes all events of an edge out, by partition, in order.
async fn stored(server: &MemoryEdge, spec: &EdgeSpec) -> Vec<Event> {
    let mut events = Vec::new();
    for partition in 0..spec.entrances() {
        let mut inlet = server.inlet(spec, Partition(partition), Epoch(u64::MAX));
        let mut settle = inlet.settle_half();
        loop {
            let pulled = inlet.pull(NonZeroUsize::MIN, Duration::ZERO).await.expect("the server is there");
            if pulled.is_empty() {
                break;
            }
            for frame in pulled {
                let read = Frame::read(frame.message).expect("a frame");
                let decode = |bytes: &[u8]| postcard::from_bytes::<Event>(bytes).expect("an event");
                events.extend(read.events().map(|event| decode(&event.bytes)));
                settle.settle(&[(frame.receipt, Disposition::Accept)]).await.expect("the server is there");
            }
        }
    }
    events
}

/// Returns the laws that a stored stream breaks.
fn judge(stored: &[Event], sent: &[Event]) -> Vec<String> {
    let mut by_key: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for event in stored {
        by_key.entry(event.key).or_default().push(event.number);
    }
    let mut expected: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for event in sent.iter().copied().flat_map(make) {
        expected.entry(event.key).or_default().push(event.number);
    }
    let mut faults = Vec::new();
    for (key, expected) in expected {
        let stored = by_key.remove(&key).unwrap_or_default();
        let distinct: std::collections::BTreeSet<_> = stored.iter().copied().collect();
        if distinct.len() < expected.len() {
            faults.push(format!("of key {key}, an event is lost: {stored:?}"));
        } else if stored.len() > expected.len() {
            faults.push(format!("of key {key}, an event is stored twice: {stored:?}"));
        } else if stored != expected {
            faults.push(format!("the order of key {key} is {stored:?}"));
        }
    }
    faults
}

async fn run(server: MemoryEdge, totals: EdgeSpec, mut chance: Chance) -> Vec<String> {
    let orders = spec()
        .frames_kept(chance.some(6))
        .frame_bytes(*chance.choose(&[1, 100, 120, 1000]))
        .attempts(100)
        .whole_frames(true);
    let totals = totals.frame_bytes(*chance.choose(&[1, 100, 1000]));
    let time = *chance.choose(&[Duration::ZERO, SECOND / 100, SECOND / 10]);
    let mut machines = Vec::new();
    for number in 0..3 {
        machines.push(relay(&server, &format!("m{number}"), &orders, &totals, time).await);
    }
    let sent = events(KEYS, EACH);
    let (sending, queue) = sender(&server, &orders, sent.clone()).await;
    for number in 0..6 {
        sleep(chance.millis(3000)).await;
        let place = chance.place(3);
        let trouble = *chance.choose(&Trouble::ALL);
        let name = format!("m{}", 3 + number);
        let next = async || relay(&server, &name, &orders, &totals, time).await;
        trouble.happen(&server, &mut machines[place], &mut chance, next).await;
    }
    let ends = async {
        queue.until(|counts| counts.all() == 0).await;
        server.until(|server| server.frames("orders") == 0).await;
    };
    if timeout(600 * SECOND, ends).await.is_err() {
        return vec![format!("{} frames remain", server.frames("orders"))];
    }
    drop(sending.stop().await);
    machines.into_iter().for_each(Machine::crash);
    let mut faults = judge(&stored(&server, &totals).await, &sent);
    if !server.dead_letters().is_empty() {
        faults.push(format!("{:?}", server.dead_letters()));
    }
    faults
}

fn simulate(seed: u64, server: impl FnOnce() -> MemoryEdge, totals: EdgeSpec) -> Vec<String> {
    Sim::seeded(seed).run(run(server(), totals, Chance::seeded(seed)))
}

#[test]
fn what_is_made_of_an_event_is_stored_once_and_in_order_whatever_fails() {
    for seed in 0..seeds() / 4 {
        let faults = simulate(seed, MemoryEdge::new, totals());
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

/// Asserts that some seed stores an event twice.
#[track_caller]
fn assert_caught(server: impl Fn() -> MemoryEdge, totals: &EdgeSpec) {
    let twice = |seed| {
        let faults = simulate(seed, &server, totals.clone());
        faults.iter().any(|fault| fault.contains("is stored twice"))
    };
    assert!((0..60).any(twice), "no seed stores an event twice");
}

#[test]
fn a_server_that_forgets_ids_is_caught() {
    assert_caught(|| MemoryEdge::with_fault(Fault::ForgetsIds), &totals());
}

#[test]
fn a_sink_whose_frames_do_not_follow_from_those_before_is_caught() {
    assert_caught(MemoryEdge::new, &totals().once(false));
}

/// The machine has stored what it made of the frame when it is cut off, and the server does not learn that it has.
#[tokio::test(start_paused = true)]
async fn a_frame_whose_verdict_is_lost_stores_nothing_again() {
    let server = MemoryEdge::new();
    let (orders, totals) = (spec().partitions(1).whole_frames(true), totals());
    let (sending, queue) = sender(&server, &orders, events(4, 1)).await;
    queue.until(|counts| counts.all() == 0).await;
    let one = relay(&server, "one", &orders, &totals, Duration::ZERO).await;
    server.until(|server| server.frames("totals") > 0).await;
    troubled(one.edge.clone(), Network::Down, 60 * SECOND);
    let before = server.frames("totals");
    let two = relay(&server, "two", &orders, &totals, Duration::ZERO).await;
    server.until(|server| server.frames("orders") == 0).await;
    assert!(server.frames("totals") >= before);
    assert_eq!(judge(&stored(&server, &totals).await, &events(4, 1)), [""; 0]);
    drop(sending.stop().await);
    one.crash();
    two.leave().await;
}

#[tokio::test(start_paused = true)]
async fn events_that_were_not_made_of_a_frame_are_refused() {
    let (server, queue) = (MemoryEdge::new(), MemoryServer::new());
    queue.publish(events(1, 1));
    let pipeline = Pipeline::builder("shop")
        .start("queue", move || Ok(source::pulled(queue.queue(), PullOptions::new())))
        .acknowledged()
        .across(Across::new(server, "orders").by(|event: &Event| event.key).once())
        .finish_fn("record", drop);
    let error = pipeline.start().await.unwrap().join().await.unwrap_err().to_string();
    let expected = "an event with `once` was not made of one frame of an edge";
    assert!(error.contains(expected), "{error}");
}
