//! Pipelines across an edge, without faults.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::ack::{Delivery, Reason};
use stage_core::stats::GaugeValue;
use stage_core::{Backoff, Pipeline, StartError};
use stage_edge::memory::{Fault, MemoryEdge, Network};
use stage_edge::{
    Across, EdgeSink, EdgeSource, EdgeSpec, EdgeView, Epoch, Format, MemberId, Partition, SchemaId,
    SourceOptions,
};
use tokio::time::{Instant, sleep};

use crate::machine::{Machine, SECOND, Work, events, format, sender, spec};
use crate::recorder::{Event, Records};

fn work(time: std::time::Duration) -> Work {
    Work { records: Records::default(), time, fails: None, checks_owner: false }
}

#[tokio::test(start_paused = true)]
async fn events_cross_an_edge_within_one_pipeline() {
    let (server, queue) = (MemoryEdge::new(), MemoryServer::new());
    queue.publish(events(5, 20));
    let (from, seen) = (queue.clone(), Arc::new(Mutex::new(Vec::new())));
    let record = Arc::clone(&seen);
    let pipeline = Pipeline::builder("shop")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .across(Across::new(server.clone(), "orders").by(|event: &Event| event.key).partitions(4).app("shop"))
        .finish_fn("record", move |event| record.lock().unwrap().push(event));
    let names: Vec<_> = pipeline.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(names, ["queue", "orders.out", "orders.in", "record"]);
    let running = pipeline.start().await.unwrap();
    queue.until(|counts| counts.all() == 0).await;
    server.until(|server| server.frames("orders") == 0).await;
    running.drain(10 * SECOND).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 100);
    for key in 0..5 {
        let numbers: Vec<_> =
            seen.iter().filter(|event| event.key == key).map(|event| event.number).collect();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn machines_share_the_partitions_and_a_leave_moves_them_at_once() {
    let (server, work) = (MemoryEdge::new(), work(SECOND / 100));
    let one = Machine::start(&server, "one", &spec(), &work).await;
    let two = Machine::start(&server, "two", &spec(), &work).await;
    let (sender, _) = sender(&server, &spec(), events(40, 20)).await;
    let owned = |server: &MemoryEdge, name: &str| {
        let owners = (0..4).filter_map(|partition| server.owner("orders", Partition(partition)));
        owners.filter(|owner| owner.as_str() == name).count()
    };
    server.until(|server| owned(server, "one") == 2 && owned(server, "two") == 2).await;
    work.records.until(100).await;
    assert!(work.records.seen().iter().any(|(machine, _)| &**machine == "one"));
    one.leave().await;
    let left = Instant::now();
    server.until(|server| owned(server, "two") == 4).await;
    assert!(left.elapsed() < SECOND, "{:?}", left.elapsed());
    work.records.until(800).await;
    // Nothing is handled twice: the machine that left has finished its frames.
    assert_eq!(work.records.seen().len(), 800);
    assert_eq!(work.records.faults(), [""; 0]);
    sender.drain(SECOND).await.unwrap();
    two.leave().await;
    assert_eq!(server.frames("orders"), 0);
    assert!((0..4).all(|p| server.owner("orders", Partition(p)).is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_machine_holds_up_the_sender_and_the_server_stays_small() {
    let server = MemoryEdge::new();
    let spec = spec().frames_kept(3).frame_bytes(200);
    let (sender, queue) = sender(&server, &spec, events(40, 100)).await;
    sleep(60 * SECOND).await;
    assert_eq!(server.most_frames("orders"), 3);
    let waiting: Vec<_> =
        sender.monitor().status().steps.iter().filter_map(|step| step.waiting_for.clone()).collect();
    assert!(waiting.iter().any(|text| text.contains("which is full")), "{waiting:?}");
    assert!(queue.counts().ready > 2000, "{:?}", queue.counts());
    let work = work(SECOND / 1000);
    let machine = Machine::start(&server, "one", &spec, &work).await;
    work.records.until(4000).await;
    assert_eq!((server.most_frames("orders"), work.records.faults().len()), (3, 0));
    sender.drain(SECOND).await.unwrap();
    machine.leave().await;
}

#[tokio::test(start_paused = true)]
async fn without_demand_no_frame_is_asked_for() {
    let server = MemoryEdge::new();
    let work = work(3600 * SECOND);
    let spec = spec().frame_bytes(1).frames_kept(1000);
    let machine = Machine::start(&server, "one", &spec, &work).await;
    let (sender, _) = sender(&server, &spec, events(40, 10)).await;
    sleep(10 * SECOND).await;
    // A frame of one event for each of four partitions, then the window of 16 is full.
    assert_eq!(server.frames("orders"), 400);
    assert!(server.frames_in_flight("orders") <= 4);
    drop(sender.stop().await);
    machine.crash();
}

#[tokio::test(start_paused = true)]
async fn a_pool_is_shared_by_all_machines() {
    let (server, work) = (MemoryEdge::new(), work(SECOND / 100));
    let spec = stage_edge::EdgeSpec::new("shop", "orders").frame_bytes(100);
    let one = Machine::start(&server, "one", &spec, &work).await;
    let two = Machine::start(&server, "two", &spec, &work).await;
    let (sender, _) = sender(&server, &spec, events(1, 400)).await;
    work.records.until(400).await;
    let machines: BTreeSet<_> = work.records.seen().into_iter().map(|(machine, _)| machine).collect();
    assert_eq!((machines.len(), work.records.seen().len()), (2, 400));
    server.until(|server| server.frames("orders") == 0).await;
    sender.drain(SECOND).await.unwrap();
    one.leave().await;
    two.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_awaited_and_named() {
    let (server, work) = (MemoryEdge::new(), work(SECOND / 1000));
    server.machine("one").set_network(Network::Down);
    let one = Machine::start(&server, "one", &spec(), &work).await;
    let (sender, _) = sender(&server, &spec(), events(40, 5)).await;
    sleep(60 * SECOND).await;
    assert_eq!(work.records.distinct(), 0);
    let waiting = one.waiting_for();
    assert!(waiting.iter().any(|text| text.starts_with("the server memory edge, from one")), "{waiting:?}");
    one.edge.set_network(Network::Up);
    work.records.until(200).await;
    sender.drain(SECOND).await.unwrap();
    one.leave().await;
}

#[tokio::test(start_paused = true)]
async fn another_number_of_partitions_is_an_error_of_the_start() {
    let (server, work) = (MemoryEdge::new(), work(SECOND));
    let one = Machine::start(&server, "one", &spec(), &work).await;
    let edge = server.clone();
    let pipeline = Pipeline::builder("other")
        .start("orders.in", move || {
            let options = crate::machine::options("two");
            Ok(stage_edge::EdgeSource::new(
                edge.clone(),
                spec().partitions(8),
                crate::machine::format(),
                options,
            ))
        })
        .acknowledged()
        .finish_fn("drop", drop);
    let error: StartError = pipeline.start().await.unwrap_err();
    assert!(error.to_string().contains("edge `orders` has partitions 4, this program 8"), "{error}");
    one.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_view_shows_owners_lag_and_members_and_gauges_what_a_process_has_in_hand() {
    let (server, work) = (MemoryEdge::new(), work(3600 * SECOND));
    let machine = Machine::start(&server, "one", &spec(), &work).await;
    let (sender, _) = sender(&server, &spec(), events(40, 10)).await;
    sleep(10 * SECOND).await;
    let view = EdgeView::of(&server, &spec()).await.unwrap();
    assert!(
        view.partitions.iter().all(|view| view.owner == Some((MemberId::new("one"), Epoch(1)))),
        "{view:?}"
    );
    assert!(
        view.partitions.iter().all(|view| view.lag.frames > 0 && view.lag.oldest > Some(9 * SECOND)),
        "{view:?}"
    );
    let members: Vec<_> = view.members.iter().map(|(member, load)| (member.id.as_str(), *load)).collect();
    assert_eq!(members, [("one", 4)]);
    let gauges = machine.gauges();
    let shown = |name: &str| -> Vec<_> {
        gauges.iter().filter(|gauge| gauge.name == name).map(|gauge| gauge.value.clone()).collect()
    };
    assert_eq!(shown("partitions"), [GaugeValue::Count(4)]);
    assert_eq!(shown("epoch"), vec![GaugeValue::Count(1); 4]);
    assert_eq!(shown("lease_left").len(), 4, "{gauges:?}");
    assert!(shown("in_hand").iter().all(|value| *value != GaugeValue::Count(0)), "{gauges:?}");
    drop(sender.stop().await);
    machine.crash();
}

/// Sends events while answers of the server are lost, and returns how often an event was handled again.
async fn repeats_after_lost_answers(server: MemoryEdge) -> usize {
    let work = work(SECOND / 1000);
    let spec = spec().frame_bytes(200);
    let machine = Machine::start(&server, "one", &spec, &work).await;
    let (sender, _) = sender(&server, &spec, events(40, 10)).await;
    server.machine("sender").lose_answers(20);
    work.records.until(400).await;
    server.until(|server| server.frames("orders") == 0).await;
    sender.drain(SECOND).await.expect("a drain");
    machine.leave().await;
    assert_eq!(work.records.faults(), [""; 0]);
    work.records.seen().len() - 400
}

#[tokio::test(start_paused = true)]
async fn a_frame_whose_answer_was_lost_is_repeated_with_its_id_and_stored_once() {
    assert_eq!(repeats_after_lost_answers(MemoryEdge::new()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forgets_ids_is_caught() {
    assert!(repeats_after_lost_answers(MemoryEdge::with_fault(Fault::ForgetsIds)).await > 0);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_held_up_does_not_hold_up_the_others() {
    let (server, work) = (MemoryEdge::new(), work(SECOND));
    // The events of key 0 fail, and are tried again after an hour.
    let (edge, records, spec) = (server.machine("one"), work.records.clone(), spec().frames_kept(64));
    let retry = Backoff::new(3600 * SECOND, 3600 * SECOND);
    let options = SourceOptions::new("one").retry(retry);
    let receiver = Pipeline::builder("one").start("orders.in", {
        let spec = spec.clone();
        move || Ok(EdgeSource::new(edge.clone(), spec.clone(), format(), options.clone()))
    });
    let running = receiver
        .finish_fn("record", move |delivery: Delivery<Event>| {
            if delivery.key == 0 {
                return delivery.reject(Reason::failed("no ink"));
            }
            records.add(&"one".into(), *delivery);
            delivery.acknowledge();
        })
        .start()
        .await
        .unwrap();
    let (sender, _) = sender(&server, &spec, events(12, 50)).await;
    sleep(60 * SECOND).await;
    let seen = work.records.seen();
    let mut whole = 0;
    for key in 0..12 {
        whole += usize::from(seen.iter().filter(|(_, event)| event.key == key).count() == 50);
    }
    assert!(whole >= 6, "only the keys of one partition wait: {whole} of 12 are handled");
    assert_eq!(work.records.faults(), [""; 0]);
    drop(sender.stop().await);
    drop(running.stop().await);
}

/// Starts a machine that sends and handles `T` over the edge `orders`; returns the handled events.
async fn versioned<T>(
    server: &MemoryEdge,
    across: impl FnOnce(Across<MemoryEdge, T>) -> Across<MemoryEdge, T>,
    events: Vec<T>,
) -> Result<(stage_core::Running, Arc<Mutex<Vec<T>>>), StartError>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + Clone + 'static,
{
    let (queue, seen) = (MemoryServer::new(), Arc::new(Mutex::new(Vec::new())));
    queue.publish(events);
    let record = Arc::clone(&seen);
    let edge = across(Across::new(server.clone(), "orders"));
    let pipeline = Pipeline::builder("shop")
        .start("queue", move || Ok(source::pulled(queue.queue(), PullOptions::new())))
        .acknowledged()
        .across(edge)
        .finish_fn("record", move |event| record.lock().expect("no panic").push(event));
    Ok((pipeline.start().await?, seen))
}

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_read_the_stored_version_is_refused_until_the_edge_is_empty() {
    let server = MemoryEdge::new();
    // The first program writes its events, and ends before it handles one.
    let first = SchemaId::new("Total", 1);
    let (edge, queue) = (server.clone(), MemoryServer::new());
    queue.publish([7_u8, 8]);
    let from = queue.clone();
    let writer = Pipeline::builder("writer")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .finish("orders.out", {
            let first = first.clone();
            move || {
                Ok(EdgeSink::pool(
                    edge.clone(),
                    EdgeSpec::new("app", "orders"),
                    Format::postcard(first.clone()),
                ))
            }
        });
    let writer = writer.start().await.unwrap();
    queue.until(|counts| counts.all() == 0).await;
    writer.drain(SECOND).await.unwrap();

    let second = |across: Across<MemoryEdge, u64>| across.schema_id(SchemaId::new("Total", 2));
    let refused = versioned(&server, second, Vec::new()).await.expect_err("a refusal").to_string();
    assert!(
        refused.contains("edge `orders`: this program reads Total v2, and the edge holds events of Total v1"),
        "{refused}"
    );
    // The type of version 1 is another one: postcard would read 7 and 8 as numbers of any width.
    let wrong = |across: Across<MemoryEdge, u64>| across.schema_id(SchemaId::new("Amount", 1));
    let refused = versioned(&server, wrong, Vec::new()).await.expect_err("a refusal").to_string();
    assert!(refused.contains("Amount v1, and the edge holds Total v1"), "{refused}");

    let upgrading = |across: Across<MemoryEdge, u64>| {
        across.schema_id(SchemaId::new("Total", 2)).reads(1, |old: u8| u64::from(old) * 100)
    };
    let (running, seen) = versioned(&server, upgrading, vec![9]).await.unwrap();
    server.until(|server| server.frames("orders") == 0 && seen.lock().unwrap().len() == 3).await;
    running.drain(SECOND).await.unwrap();
    let mut handled = seen.lock().unwrap().clone();
    handled.sort_unstable();
    assert_eq!(handled, [9, 700, 800]);

    // Nothing of an older version is left.
    let (running, seen) = versioned(&server, second, vec![10]).await.unwrap();
    server.until(|_| seen.lock().unwrap().len() == 1).await;
    running.drain(SECOND).await.unwrap();
    assert!(server.dead_letters().is_empty());
}
