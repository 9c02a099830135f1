//! Laws of machines that share a pool.

use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::ack::Reason;
use stage_core::pipeline::Parts;
use stage_core::{Backoff, Pipeline};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::kit::{LONG, Machine, Seen, frames, next_of, quick, sender, spec, until_empty, until_full};
use super::server::PoolServer;
use crate::across::Across;
use crate::edge::Edge;
use crate::source::SourceOptions;

/// Two machines take the events of a sender. Each event is handled once, and its frame leaves the server.
///
/// # Panics
///
/// If the server violates the law.
pub async fn machines_share_the_events<S: PoolServer>(server: S) {
    let (spec, edge) = (spec(), server.client().await);
    let mut one = Machine::start(server.client().await, &spec, quick()).await;
    let mut two = Machine::start(server.client().await, &spec, quick()).await;
    let (sender, queue) = sender(edge.clone(), &spec, 0..400).await;
    // One machine cannot take all frames while it has some in hand, so both have one.
    let both = (one.next().await, two.next().await);
    let mut seen = Seen::default();
    seen.accept(both.0);
    seen.accept(both.1);
    while seen.distinct() < 400 {
        seen.accept(next_of(&mut one, &mut two).await);
    }
    until_empty(&edge, &spec).await;
    queue.until(|counts| counts.all() == 0).await;
    sender.drain(LONG).await.expect("a drain");
    one.leave().await;
    two.leave().await;
    seen.expect_once(0..400);
}

/// A pool holds `frames_kept` frames at most, whatever the number of senders, which wait then.
///
/// # Panics
///
/// If the server violates the law.
pub async fn a_full_pool_holds_up_its_senders<S: PoolServer>(server: S) {
    let (spec, edge) = (spec().frames_kept(3), server.client().await);
    let (one, _) = sender(server.client().await, &spec, 0..200).await;
    let (two, left) = sender(server.client().await, &spec, 200..400).await;
    until_full(&one).await;
    until_full(&two).await;
    assert_eq!(frames(&edge, &spec).await, 3);
    assert!(left.counts().all() > 100, "the source is held up: {:?}", left.counts());
    let mut machine = Machine::start(server.client().await, &spec, quick()).await;
    let mut seen = Seen::default();
    while seen.distinct() < 400 {
        seen.accept(machine.next().await);
        if seen.distinct() % 40 == 0 {
            assert!(frames(&edge, &spec).await <= 3);
        }
    }
    until_empty(&edge, &spec).await;
    one.drain(LONG).await.expect("a drain");
    two.drain(LONG).await.expect("a drain");
    machine.leave().await;
    seen.expect_once(0..400);
}

/// All machines together have `pool_window` frames in hand at most.
///
/// # Panics
///
/// If the server violates the law.
pub async fn the_window_bounds_the_frames_of_all_machines<S: PoolServer>(server: S) {
    // Each event is a frame.
    let (spec, edge) = (spec().frame_bytes(1).pool_window(3), server.client().await);
    let (sender, _) = sender(edge.clone(), &spec, 0..40).await;
    let mut one = Machine::start(server.client().await, &spec, quick()).await;
    let mut two = Machine::start(server.client().await, &spec, quick()).await;
    let mut seen = Seen::default();
    let mut hand = Vec::new();
    while seen.distinct() + hand.len() < 40 {
        let next = next_of(&mut one, &mut two);
        if hand.len() < 3 {
            hand.push(next.await);
            continue;
        }
        let more = timeout(Duration::from_millis(50), next).await;
        assert!(more.is_err(), "a fourth frame is handed out");
        hand.drain(..).for_each(|delivery| seen.accept(delivery));
    }
    hand.drain(..).for_each(|delivery| seen.accept(delivery));
    until_empty(&edge, &spec).await;
    sender.drain(LONG).await.expect("a drain");
    one.leave().await;
    two.leave().await;
    seen.expect_once(0..40);
}

/// The events that fail, and no others, are dead after their attempts. They are listed, revived and forgotten.
///
/// # Panics
///
/// If the server violates the law.
pub async fn only_the_events_that_fail_are_dead<S: PoolServer>(server: S) {
    let (spec, edge) = (spec().attempts(2), server.client().await);
    let mut machine = Machine::start(server.client().await, &spec, quick()).await;
    let (sender, _) = sender(edge.clone(), &spec, 0..40).await;
    let mut seen = Seen::default();
    let dead = edge.dead(&spec);
    while seen.distinct() < 38 || dead.list(0, 10).await.expect("the server answers").len() < 2 {
        let delivery = tokio::select! {
            delivery = machine.next() => delivery,
            () = tokio::time::sleep(Duration::from_millis(5)) => continue,
        };
        match *delivery {
            7 => delivery.reject(Reason::failed("no ink")),
            23 => delivery.reject(Reason::hopeless("no such shop")),
            _ => seen.accept(delivery),
        }
    }
    until_empty(&edge, &spec).await;
    let listed = dead.list(0, 10).await.expect("the server answers");
    let mut found: Vec<_> = listed.iter().map(|dead| (&dead.letter.event[..], &*dead.letter.cause)).collect();
    found.sort_unstable();
    assert_eq!(found, [(&[7_u8][..], "no ink"), (&[23_u8][..], "no such shop")]);
    // A hopeless event in a frame of its own is dead at its first attempt.
    let mut attempts = listed.iter().map(|dead| (&dead.letter.event[..], dead.letter.attempts));
    assert!(
        attempts.all(|(event, attempts)| attempts == 2 || event == [23_u8] && attempts == 1),
        "{listed:?}"
    );
    assert!(listed.iter().all(|dead| dead.letter.edge == "numbers"), "{listed:?}");
    assert!(listed[0].number < listed[1].number);
    assert_eq!(dead.list(listed[0].number, 10).await.expect("the server answers"), listed[1..]);
    let number = |event: u8| {
        let found = listed.iter().find(|dead| dead.letter.event == [event]);
        found.expect("the letter is listed").number
    };
    let (ink, shop) = (number(7), number(23));
    assert!(dead.revive(ink).await.expect("the server answers"));
    assert!(!dead.revive(ink).await.expect("the server answers"), "a letter is revived once");
    let revived = machine.next().await;
    assert_eq!(*revived, 7);
    seen.accept(revived);
    assert!(dead.forget(shop).await.expect("the server answers"));
    assert!(!dead.forget(shop).await.expect("the server answers"), "a letter is forgotten once");
    assert_eq!(dead.list(0, 10).await.expect("the server answers"), []);
    until_empty(&edge, &spec).await;
    sender.drain(LONG).await.expect("a drain");
    machine.leave().await;
    assert_eq!(seen.distinct(), 39);
}

/// A machine that drains finishes the frames that it has handed out; all others go to the machines that stay.
///
/// # Panics
///
/// If the server violates the law.
pub async fn a_drain_gives_nothing_out_twice<S: PoolServer>(server: S) {
    let (spec, edge) = (spec(), server.client().await);
    let mut one = Machine::start(server.client().await, &spec, quick()).await;
    let mut two = Machine::start(server.client().await, &spec, quick()).await;
    let (sender, _) = sender(edge.clone(), &spec, 0..400).await;
    let mut seen = Seen::default();
    for _ in 0..20 {
        seen.accept(one.next().await);
    }
    let held = one.next().await;
    let Machine { running, mut deliveries } = one;
    let mut drain = tokio::spawn(async move { running.drain(LONG).await });
    let early = timeout(Duration::from_millis(20), &mut drain).await;
    assert!(early.is_err(), "the drain waits for the event in hand");
    seen.accept(held);
    while seen.distinct() < 400 {
        let delivery = tokio::select! {
            Some(delivery) = deliveries.recv() => delivery,
            delivery = two.next() => delivery,
        };
        seen.accept(delivery);
    }
    drain.await.expect("no panic").expect("a drain");
    until_empty(&edge, &spec).await;
    sender.drain(LONG).await.expect("a drain");
    two.leave().await;
    seen.expect_once(0..400);
}

/// A machine that drains while a frame waits for its next attempt leaves it to another one, which goes on counting.
///
/// # Panics
///
/// If the server violates the law.
pub async fn a_frame_that_failed_continues_after_a_drain<S: PoolServer>(server: S) {
    let (spec, edge) = (spec().frame_bytes(4096).attempts(3), server.client().await);
    let (sender, queue) = sender(edge.clone(), &spec, 0..10).await;
    queue.until(|counts| counts.all() == 0).await;
    sender.drain(LONG).await.expect("a drain");
    let hour = Backoff::new(60 * LONG, 60 * LONG);
    let mut one = Machine::start(server.client().await, &spec, SourceOptions::new("one").retry(hour)).await;
    let (mut seen, mut tried) = (Seen::default(), 0);
    while tried == 0 {
        let delivery = one.next().await;
        if *delivery == 5 {
            tried += 1;
            delivery.reject(Reason::failed("no ink"));
        } else {
            seen.accept(delivery);
        }
    }
    let Machine { running, mut deliveries } = one;
    let drain = tokio::spawn(async move { running.drain(LONG).await });
    while let Some(delivery) = deliveries.recv().await {
        seen.accept(delivery);
    }
    drain.await.expect("no panic").expect("a drain");
    let mut two = Machine::start(server.client().await, &spec, quick()).await;
    let dead = edge.dead(&spec);
    while seen.distinct() < 9 || dead.list(0, 10).await.expect("the server answers").is_empty() {
        let delivery = tokio::select! {
            delivery = two.next() => delivery,
            () = tokio::time::sleep(Duration::from_millis(5)) => continue,
        };
        if *delivery == 5 {
            tried += 1;
            delivery.reject(Reason::failed("no ink"));
        } else {
            seen.accept(delivery);
        }
    }
    let listed = dead.list(0, 10).await.expect("the server answers");
    assert_eq!(listed.iter().map(|dead| dead.letter.attempts).collect::<Vec<_>>(), [3]);
    assert_eq!(tried, 3, "the attempts of both machines count");
    until_empty(&edge, &spec).await;
    two.leave().await;
}

/// A pipeline that is cut at a pool runs before it on one machine and behind it on another.
///
/// # Panics
///
/// If the server violates the law.
pub async fn parts_of_a_pipeline_share_a_pool<S: PoolServer>(server: S) {
    let (queue, (sender, mut handled)) = (MemoryServer::new(), unbounded_channel());
    queue.publish(0..100_u32);
    let (before, behind) = (server.client().await, server.client().await);
    let pipeline = |edge: S::Edge| {
        let (from, sender) = (queue.clone(), sender.clone());
        let across = Across::new(edge, "numbers").app("law").spec(|spec| spec.setup(true));
        Pipeline::builder("numbers")
            .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
            .acknowledged()
            .across(across)
            .finish_fn("double", move |number: u32| sender.send(2 * number).expect("the law goes on"))
    };
    let intake = pipeline(before).only(Parts::before("numbers")).start().await.expect("a start");
    let worker = pipeline(behind).only(Parts::behind("numbers")).start().await.expect("a start");
    let mut seen = Vec::new();
    while seen.len() < 100 {
        seen.push(handled.recv().await.expect("the pipeline goes on"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..100).map(|number| 2 * number).collect::<Vec<u32>>());
    intake.drain(LONG).await.expect("a drain");
    worker.drain(LONG).await.expect("a drain");
}
