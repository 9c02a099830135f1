//! Frames under epochs, and pools.

use std::time::Duration;

use bytes::Bytes;
use stage_connect::laws::by_hand::{opened, settle_all, take, take_all};
use stage_connect::laws::free_port;
use stage_connect::{Disposition, ErrorKind, MessageId, Pull, Pulled, Push, PutError, Settle};
use stage_edge::{Edge, EdgeSpec, Epoch, Partition};
use stage_nats::edge::{NatsEdge, NatsReceipt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::outlets::put;
use crate::support::NatsServer;
use crate::{LEASE, LONG, spec, start};

const P: Partition = Partition(2);
const SHORT: Duration = Duration::from_millis(50);

pub(crate) fn numbers(pulled: &[Pulled<Bytes, NatsReceipt>]) -> Vec<(u32, u32)> {
    let number = |frame: &Bytes| std::str::from_utf8(frame).unwrap().parse().unwrap();
    pulled.iter().map(|pulled| (number(&pulled.message), pulled.attempt)).collect()
}

#[tokio::test]
async fn one_frame_of_a_partition_is_in_flight_and_the_next_follows_its_acknowledgement() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    put(&edge, &spec(), Partition(0), 7..8).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let first = take(&mut inlet, 3, LONG).await;
    assert_eq!(numbers(&first), [(0, 1)]);
    assert!(take(&mut inlet, 3, SHORT).await.is_empty());
    settle_all(&mut settle, &first, Disposition::Retry { after: Duration::ZERO }).await;
    let again = take(&mut inlet, 3, LONG).await;
    assert_eq!(numbers(&again), [(0, 2)]);
    assert_eq!(again[0].receipt.position(), first[0].receipt.position());
    settle_all(&mut settle, &again, Disposition::Accept).await;
    let second = take(&mut inlet, 3, LONG).await;
    assert_eq!(numbers(&second), [(1, 1)]);
    settle_all(&mut settle, &second, Disposition::Release).await;
    let second = take(&mut inlet, 3, LONG).await;
    assert_eq!(numbers(&second), [(1, 1)]);
}

/// Returns what the monitoring port of a server shows.
pub(crate) async fn monitor(port: u16, what: &str) -> serde_json::Value {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(format!("GET /{what} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// Returns the highest number of a subscription that a server has. A client numbers its subscriptions one after the other.
async fn newest_subscription(port: u16) -> u64 {
    let body = monitor(port, "connz?subs=detail").await;
    let connections = body["connections"].as_array().unwrap().iter();
    let subscriptions =
        connections.filter_map(|connection| connection["subscriptions_list_detail"].as_array());
    let numbers = subscriptions.flatten().map(|of| of["sid"].as_str().unwrap().parse().unwrap());
    numbers.max().unwrap()
}

#[tokio::test]
async fn all_frames_of_a_partition_arrive_by_one_subscription() {
    let port = free_port();
    let server = NatsServer::start(&["-m", &port.to_string()]).await;
    let Some((_server, edge)) = crate::opened(server, &spec()).await else { return };
    put(&edge, &spec(), P, 0..10).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut newest = None;
    for number in 0..10 {
        let frame = take(&mut inlet, 1, LONG).await;
        assert_eq!(numbers(&frame), [(number, 1)]);
        settle_all(&mut settle, &frame, Disposition::Accept).await;
        let now = newest_subscription(port).await;
        assert_eq!(*newest.get_or_insert(now), now, "the reader subscribed again before frame {number}");
    }
    // A request that ends without a frame leaves the subscription to the next one.
    assert!(take(&mut inlet, 1, SHORT).await.is_empty());
    put(&edge, &spec(), P, 10..11).await;
    let before = newest_subscription(port).await;
    assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(10, 1)]);
    assert_eq!(newest_subscription(port).await, before, "the reader subscribed again after an empty answer");
}

#[tokio::test]
async fn a_later_epoch_begins_with_the_frame_in_hand_and_fences_the_earlier_one() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    let (mut first, mut first_settle) = opened(edge.inlet(&spec(), P, Epoch(3))).await;
    let held = take(&mut first, 1, LONG).await;
    // The earlier one waits for a frame while it is replaced.
    let waiting = tokio::spawn(async move { (first.pull(std::num::NonZeroUsize::MIN, LONG).await, first) });
    let (mut second, mut second_settle) = opened(edge.inlet(&spec(), P, Epoch(9))).await;
    let (ended, mut first) = waiting.await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Fenced);
    let again = take(&mut second, 1, LONG).await;
    assert_eq!(numbers(&again), [(0, 1)]);
    // The verdicts of the earlier epoch are void, and it cannot come back.
    let accepted = [(held[0].receipt.clone(), Disposition::Accept)];
    assert_eq!(first_settle.settle(&accepted).await.unwrap_err().kind(), ErrorKind::Fenced);
    let receipts = [held[0].receipt.clone()];
    assert_eq!(first_settle.extend(&receipts).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(first.connect().await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 3);
    settle_all(&mut second_settle, &again, Disposition::Accept).await;
    assert_eq!(numbers(&take(&mut second, 1, LONG).await), [(1, 1)]);
}

#[tokio::test]
async fn a_connection_that_opens_again_keeps_the_frame_in_hand() {
    let Some((mut server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..2).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(3))).await;
    let held = take(&mut inlet, 1, LONG).await;
    // A server that is killed may forget what it has delivered.
    server.terminate_and_restart().await;
    while inlet.connect().await.is_err() {}
    assert!(take(&mut inlet, 1, SHORT).await.is_empty(), "a frame in hand was delivered again");
    while settle.settle(&[(held[0].receipt.clone(), Disposition::Accept)]).await.is_err() {}
    assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(1, 1)]);
}

#[tokio::test]
async fn a_frame_that_was_lost_on_its_way_is_delivered_at_once_by_the_next_connection() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..1).await;
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        let (mut inlet, _settle) = opened(edge.inlet(&spec(), P, Epoch(3))).await;
        assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(0, 1)]);
    }
    assert!(begun.elapsed() < LONG, "the frame waited for the end of its time");
}

/// Stores numbered frames one by one, as there is room.
async fn feed(edge: &NatsEdge, spec: &EdgeSpec, partition: Partition, count: u32) {
    let mut outlet = edge.outlet(spec, partition);
    outlet.connect().await.unwrap();
    for number in 0..count {
        let frame = [(MessageId::new(format!("{partition}-{number}")), Bytes::from(number.to_string()))];
        loop {
            match outlet.put(&frame).await {
                Ok(_) => break,
                Err(PutError::Full { after }) => tokio::time::sleep(after).await,
                // A cluster may answer that it is still storing the frame.
                Err(PutError::Connect(error)) if error.kind() == ErrorKind::Gone => {
                    outlet.connect().await.unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Sends frames to four partitions whose inlets share a connection, and makes sure that each comes once and in order. Of
/// frames in flight, one that is lost on its way comes behind others.
pub(crate) async fn come_in_order(edge: &NatsEdge, spec: &EdgeSpec) {
    const COUNT: u32 = 1000;
    let mut readers = JoinSet::new();
    for partition in (0..4).map(Partition) {
        let (edge, spec) = (edge.clone(), spec.clone());
        let read = async move {
            let (mut inlet, mut settle) = opened(edge.inlet(&spec, partition, Epoch(1))).await;
            let reading = async {
                let mut next = 0;
                while next < COUNT {
                    let frames = take(&mut inlet, 8, LONG).await;
                    assert!(!frames.is_empty(), "no frame of {partition} arrives behind {next}");
                    for number in numbers(&frames) {
                        assert_eq!(number, (next, 1), "the number and the attempt of the next frame");
                        next += 1;
                    }
                    settle_all(&mut settle, &frames, Disposition::Accept).await;
                }
            };
            tokio::join!(feed(&edge, &spec, partition, COUNT), reading);
        };
        readers.spawn(read);
    }
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_in_flight_come_in_order_over_a_busy_connection() {
    let spec = spec().frames_kept(16).frames_in_flight(16);
    let Some((_server, edge)) = start(&spec).await else { return };
    come_in_order(&edge, &spec).await;
}

#[tokio::test]
async fn a_pool_is_shared_and_its_window_bounds_all_processes() {
    let spec = EdgeSpec::new("shop", "mails").pool_window(3).lease(LEASE).setup(true);
    let Some((_server, edge)) = start(&spec).await else { return };
    put(&edge, &spec, Partition(0), 0..5).await;
    let (mut one, mut one_settle) = opened(edge.pool(&spec)).await;
    let (mut other, _other_settle) = opened(edge.pool(&spec)).await;
    let mut taken = take_all(&mut one, 2, LONG).await;
    taken.extend(take_all(&mut other, 1, LONG).await);
    assert!(take(&mut other, 3, SHORT).await.is_empty());
    settle_all(&mut one_settle, &taken, Disposition::Accept).await;
    let mut rest = take_all(&mut other, 2, LONG).await;
    rest.extend(taken);
    let mut all = numbers(&rest);
    all.sort_unstable();
    assert_eq!(all, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
}

#[tokio::test]
async fn a_frame_that_is_extended_outlives_its_time() {
    let spec = spec().ack_wait(Duration::from_secs(1)).window(Duration::from_secs(600));
    let Some((_server, edge)) = start(&spec).await else { return };
    put(&edge, &spec, P, 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec, P, Epoch(3))).await;
    let held = take(&mut inlet, 1, LONG).await;
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(2500) {
        settle.extend(&[held[0].receipt.clone()]).await.unwrap();
        assert!(take(&mut inlet, 1, Duration::from_millis(200)).await.is_empty());
    }
    assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(0, 2)]);
}

/// A server that is killed forgets its last deliveries, and some versions do not answer a report on one of them.
#[tokio::test]
async fn a_report_on_a_delivery_that_a_killed_server_forgot_does_not_wait_for_ever() {
    let Some((mut server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..2).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut handled = Vec::new();
    for _ in 0..2 {
        let held = take(&mut inlet, 1, LONG).await;
        handled.extend(numbers(&held).into_iter().map(|(number, _)| number));
        if handled.len() == 2 {
            server.kill_and_restart().await;
        }
        let accepted = [(held[0].receipt.clone(), Disposition::Accept)];
        while let Err(error) = settle.settle(&accepted).await {
            assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
            tokio::time::sleep(SHORT).await;
        }
    }
    assert_eq!(handled, [0, 1]);
    put(&edge, &spec(), P, 2..3).await;
    while handled.last() != Some(&2) {
        if inlet.connect().await.is_err() {
            tokio::time::sleep(SHORT).await;
            continue;
        }
        let held = take(&mut inlet, 1, LONG).await;
        handled.extend(numbers(&held).into_iter().map(|(number, _)| number));
        settle_all(&mut settle, &held, Disposition::Accept).await;
    }
    // Forgotten frames are delivered again.
    let mut seen = std::collections::HashSet::new();
    handled.retain(|number| seen.insert(*number));
    assert_eq!(handled, [0, 1, 2], "each is first handled after the ones before it");
}

/// The requests of a partition have one inbox, to which the server reports their ends.
#[tokio::test]
async fn a_request_that_ended_without_a_frame_does_not_end_the_next_one() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    for number in 0..20 {
        let none = inlet.pull(std::num::NonZeroUsize::MIN, Duration::from_millis(2)).await.unwrap();
        assert!(none.is_empty(), "{none:?}");
        put(&edge, &spec(), P, number..number + 1).await;
        let frames = take(&mut inlet, 1, LONG).await;
        assert_eq!(numbers(&frames), [(number, 1)]);
        settle_all(&mut settle, &frames, Disposition::Accept).await;
    }
}

/// The heartbeats of the server prolong the wait for its answer, and do not end the request.
#[tokio::test]
#[ignore = "takes 16 s of real time"]
async fn a_request_without_frames_lasts_for_its_time() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let begun = std::time::Instant::now();
    let wait = Duration::from_secs(16);
    assert!(inlet.pull(std::num::NonZeroUsize::MIN, wait).await.unwrap().is_empty());
    assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
    put(&edge, &spec(), P, 0..1).await;
    let frames = take(&mut inlet, 1, LONG).await;
    assert_eq!(numbers(&frames), [(0, 1)]);
    settle_all(&mut settle, &frames, Disposition::Accept).await;
}
