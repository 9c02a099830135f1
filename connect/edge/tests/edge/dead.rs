//! Dead letters that are listed, revived and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stage_core::Pipeline;
use stage_core::ack::{Delivery, Reason};
use stage_edge::memory::MemoryEdge;
use stage_edge::{Dead, DeadEvent, Edge, EdgeSource, Form, Partition, key_hash, partition_of};

use crate::machine::{SECOND, events, format, options, sender, spec};
use crate::recorder::{Event, Records};

const BAD: Event = Event { key: 3, number: 7 };

async fn only(dead: &Dead<MemoryEdge>) -> DeadEvent {
    let mut listed = dead.list(0, 10).await.expect("the server is there");
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_dead_event_is_listed_with_its_place_and_handled_once_it_is_revived() {
    let (server, records, spec) = (MemoryEdge::new(), Records::default(), spec().attempts(2));
    let has_ink = Arc::new(AtomicBool::new(false));
    let (edge, of_source, seen, ink) = (server.clone(), spec.clone(), records.clone(), Arc::clone(&has_ink));
    let pipeline = Pipeline::builder("shop")
        .start("orders.in", move || {
            Ok(EdgeSource::new(edge.clone(), of_source.clone(), format(), options("shop")))
        })
        .finish_fn("record", move |delivery: Delivery<Event>| {
            if *delivery == BAD && !ink.load(Ordering::Relaxed) {
                return delivery.reject(Reason::failed("no ink"));
            }
            if !delivery.token().is_rejected() {
                seen.add(&"shop".into(), *delivery);
            }
            delivery.acknowledge();
        });
    let running = pipeline.start().await.unwrap();
    let (sender, _) = sender(&server, &spec, events(10, 20)).await;
    records.until(199).await;
    server.until(|server| server.frames("orders") == 0).await;

    let dead = server.dead(&spec);
    let DeadEvent { number, letter, .. } = only(&dead).await;
    let key = key_hash(&postcard::to_stdvec(&BAD.key).unwrap());
    assert_eq!((number, letter.attempts, &*letter.cause), (1, 2, "no ink"));
    assert_eq!(letter.partition, partition_of(key, 4).0);
    assert_eq!(letter.form, Some(Form { key, codec: 1, schema: 1, fingerprint: 0 }));
    assert_eq!(dead.list(1, 10).await.unwrap(), []);

    // It dies again, at another position.
    assert!(dead.revive(1).await.unwrap());
    server
        .until(|server| server.dead_letters().first().is_some_and(|again| again.position != letter.position))
        .await;
    server.until(|server| server.frames("orders") == 0).await;
    let again = only(&dead).await;
    assert_eq!((again.number, &again.letter.event), (2, &letter.event));

    has_ink.store(true, Ordering::Relaxed);
    assert!(dead.revive(2).await.unwrap());
    records.until(200).await;
    server.until(|server| server.frames("orders") == 0).await;
    assert_eq!(dead.list(0, 10).await.unwrap(), []);
    assert!(!dead.revive(2).await.unwrap());
    sender.drain(SECOND).await.unwrap();
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_forgotten_once_and_a_message_that_was_no_frame_is_not_revived() {
    let (server, spec) = (MemoryEdge::new(), spec());
    let work = crate::machine::Work {
        records: Records::default(),
        time: SECOND / 100,
        fails: None,
        checks_owner: false,
    };
    let machine = crate::machine::Machine::start(&server, "one", &spec, &work).await;
    server.store("orders", Partition(0), &b"{}"[..]);
    server.until(|server| server.frames("orders") == 0).await;
    machine.leave().await;
    let dead = server.dead(&spec);
    let other = stage_edge::EdgeSpec::new("shop", "payments");
    assert_eq!(server.dead(&other).list(0, 10).await.unwrap(), []);
    let letter = only(&dead).await;
    assert_eq!(letter.letter.form, None);
    let refused = dead.revive(letter.number).await.unwrap_err().to_string();
    assert!(refused.contains("dead letter 1 was no frame"), "{refused}");
    assert!(dead.forget(letter.number).await.unwrap());
    assert!(!dead.forget(letter.number).await.unwrap());
    assert_eq!(dead.list(0, 10).await.unwrap(), []);
}
