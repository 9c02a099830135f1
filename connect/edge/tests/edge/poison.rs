//! Events that fail, and events that end their process.

use std::sync::Arc;

use stage_core::ack::{Delivery, Reason};
use stage_core::{Pipeline, Running};
use stage_edge::memory::{Fault, MemoryEdge};
use stage_edge::{EdgeSource, EdgeSpec, Partition};

use crate::machine::{Machine, SECOND, Work, events, format, options, sender, spec};
use crate::recorder::{Event, Records};

const BAD: Event = Event { key: 3, number: 7 };

/// Starts a machine whose last step rejects `BAD`.
async fn picky(server: &MemoryEdge, spec: &EdgeSpec, records: &Records, reason: fn() -> Reason) -> Running {
    let (edge, spec, records) = (server.machine("picky"), spec.clone(), records.clone());
    let machine: Arc<str> = "picky".into();
    let pipeline = Pipeline::builder("picky")
        .start("orders.in", move || {
            Ok(EdgeSource::new(edge.clone(), spec.clone(), format(), options("picky")))
        })
        .finish_fn("record", move |delivery: Delivery<Event>| {
            let event = *delivery;
            if event == BAD {
                return delivery.reject(reason());
            }
            if !delivery.token().is_rejected() {
                records.add(&machine, event);
            }
            delivery.acknowledge();
        });
    pipeline.start().await.expect("a start")
}

#[tokio::test(start_paused = true)]
async fn only_the_event_that_fails_is_dead_once_after_its_attempts_and_the_others_go_on() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = spec().attempts(3);
    let running = picky(&server, &spec, &records, || Reason::failed("no ink")).await;
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead = server.dead_letters();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!((dead[0].attempts, &*dead[0].cause, &*dead[0].edge), (3, "no ink", "orders"));
    assert_eq!(dead[0].event, postcard::to_stdvec(&BAD).unwrap());
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hopeless_event_is_dead_at_its_second_look() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let running = picky(&server, &spec(), &records, || Reason::hopeless("no such shop")).await;
    let (sender, _) = sender(&server, &spec(), events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead: Vec<_> =
        server.dead_letters().into_iter().map(|letter| (letter.attempts, letter.cause)).collect();
    assert_eq!(dead, [(2, "no such shop".to_owned())]);
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_one_attempt_an_event_in_a_frame_of_its_own_is_tried_once() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = spec().frame_bytes(1).attempts(1);
    let running = picky(&server, &spec, &records, || Reason::failed("no ink")).await;
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead: Vec<_> =
        server.dead_letters().into_iter().map(|letter| (letter.attempts, letter.cause)).collect();
    assert_eq!(dead, [(1, "no ink".to_owned())]);
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

/// Starts machines, one after the other, which `BAD` ends, until all other events are handled. Returns the number of
/// machines that it has ended, at most 10.
async fn crashes(server: &MemoryEdge, records: &Records) -> u32 {
    crashes_of(server, &spec().attempts(3).partitions(1), records).await
}

async fn crashes_of(server: &MemoryEdge, spec: &EdgeSpec, records: &Records) -> u32 {
    let (sender, _) = sender(server, spec, events(5, 20)).await;
    let work = Work { records: records.clone(), time: SECOND / 100, fails: None, checks_owner: false };
    for crashes in 0..10 {
        let name = format!("m{crashes}");
        let machine = Machine::start_deadly(server, &name, spec, &work, BAD).await;
        tokio::select! {
            () = machine.fallen() => machine.crash(),
            () = records.until(99) => {
                server.until(|server| server.frames("orders") == 0).await;
                machine.leave().await;
                sender.drain(SECOND).await.expect("a drain");
                return crashes;
            }
        }
    }
    10
}

#[tokio::test(start_paused = true)]
async fn an_event_that_ends_its_process_is_dead_after_its_attempts_and_no_other() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    assert_eq!(crashes(&server, &records).await, 3);
    let dead = server.dead_letters();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0].event, postcard::to_stdvec(&BAD).unwrap());
    assert_eq!(dead[0].cause, "the process ended while a step handled it");
    assert_eq!(dead[0].attempts, 3);
    // Only the dead event is missing.
    let faults = records.faults();
    assert!(faults.iter().all(|fault| fault.ends_with("before number 7")), "{faults:?}");
}

/// The attempts at the frame as a whole come before those at its events.
#[tokio::test(start_paused = true)]
async fn an_event_of_a_whole_frame_that_ends_its_process_is_dead_after_both_kinds_of_attempts() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = spec().attempts(3).partitions(1).whole_frames(true);
    assert_eq!(crashes_of(&server, &spec, &records).await, 5);
    let dead: Vec<_> =
        server.dead_letters().into_iter().map(|letter| (letter.event, letter.attempts)).collect();
    assert_eq!(dead, [(postcard::to_stdvec(&BAD).unwrap(), 3)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_in_each_attempt_at_its_frame_is_the_only_dead_one() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = spec().attempts(3).whole_frames(true);
    let running = picky(&server, &spec, &records, || Reason::failed("no ink")).await;
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead: Vec<_> =
        server.dead_letters().into_iter().map(|letter| (letter.event, letter.attempts)).collect();
    assert_eq!(dead, [(postcard::to_stdvec(&BAD).unwrap(), 3)]);
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_loses_notes_is_caught() {
    let server = MemoryEdge::with_fault(Fault::LosesNotes);
    assert_eq!(crashes(&server, &Records::default()).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_pool_buries_the_event_that_fails_and_goes_on() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = EdgeSpec::new("shop", "orders").frame_bytes(200).attempts(3);
    let running = picky(&server, &spec, &records, || Reason::failed("no ink")).await;
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead: Vec<_> =
        server.dead_letters().into_iter().map(|letter| (letter.attempts, letter.cause)).collect();
    assert_eq!(dead, [(3, "no ink".to_owned())]);
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_or_no_event_is_dead_and_never_repeated() {
    let server = MemoryEdge::new();
    let work = Work { records: Records::default(), time: SECOND / 100, fails: None, checks_owner: false };
    let machine = Machine::start(&server, "one", &spec(), &work).await;
    server.store("orders", Partition(0), &b"{}"[..]);
    let mut frame = stage_edge::FrameWriter::new();
    frame.push(0, &[1, 0]);
    frame.push(0, &[1]);
    let header = stage_edge::Header { codec: 1, schema: 1, ..stage_edge::Header::default() };
    server.store("orders", Partition(0), frame.clone().finish(&header));
    server.store("orders", Partition(1), frame.finish(&stage_edge::Header { schema: 9, ..header }));
    server.until(|server| server.frames("orders") == 0).await;
    assert_eq!(
        work.records.seen().into_iter().map(|(_, event)| event).collect::<Vec<_>>(),
        [Event { key: 1, number: 0 }]
    );
    let mut causes: Vec<_> = server.dead_letters().into_iter().map(|letter| letter.cause).collect();
    causes.sort();
    let other = "the frame holds version 9 in codec 1, this program reads Event v1";
    assert_eq!(causes[1..], [other, other, "the message is not a frame of an edge"], "{causes:?}");
    machine.leave().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_panics_is_the_only_dead_one() {
    let (server, records) = (MemoryEdge::new(), Records::default());
    let spec = spec().attempts(3);
    let (edge, source_spec, seen) = (server.machine("one"), spec.clone(), records.clone());
    let pipeline = Pipeline::builder("one")
        .start("orders.in", move || {
            Ok(EdgeSource::new(edge.clone(), source_spec.clone(), format(), options("one")))
        })
        .acknowledged()
        .finish_fn("record", move |event: Event| {
            assert!(event != BAD, "no ink");
            seen.add(&"one".into(), event);
        });
    let running = pipeline.start().await.unwrap();
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;
    let dead = server.dead_letters();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0].event, postcard::to_stdvec(&BAD).unwrap());
    assert_eq!((dead[0].attempts, &*dead[0].cause), (3, "a stage dropped it"));
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}
