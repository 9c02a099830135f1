//! Reports that are also requests, and the messages that a frame costs.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use stage_connect::laws::by_hand::{opened, settle_all, take};
use stage_connect::laws::free_port;
use stage_connect::{ConnectError, Disposition, ErrorKind, MessageId, Pull, Pulled, Push, Settle};
use stage_core::Pipeline;
use stage_edge::{
    Edge, EdgeSource, Epoch, Format, FrameId, FrameWriter, Header, Partition, SchemaId, SourceOptions,
};
use stage_nats::edge::{NatsInlet, NatsInletSettle, NatsReceipt};
use tokio::time::timeout;

use crate::inlets::{monitor, numbers};
use crate::outlets::put;
use crate::support::NatsServer;
use crate::{LONG, spec, start};

const P: Partition = Partition(2);
const FRAMES: u32 = 50;

type Frames = Vec<Pulled<Bytes, NatsReceipt>>;

/// Returns the reports that frames are accepted.
fn reports_on(frames: &Frames) -> Vec<(NatsReceipt, Disposition)> {
    frames.iter().map(|frame| (frame.receipt.clone(), Disposition::Accept)).collect()
}

/// Accepts a frame, and receives the next one, as a source does.
async fn accept_and_take(
    inlet: &mut NatsInlet,
    settle: &mut NatsInletSettle,
    frames: &Frames,
    wait: Duration,
) -> (Result<(), ConnectError>, Result<Frames, ConnectError>) {
    let accepted = reports_on(frames);
    tokio::join!(settle.settle(&accepted), inlet.pull(NonZeroUsize::MIN, wait))
}

/// Returns the number of messages that a server has received from its clients and sent to them.
async fn messages(port: u16) -> u64 {
    let connections = monitor(port, "connz").await;
    let connections = connections["connections"].as_array().unwrap().iter();
    connections.map(|one| one["in_msgs"].as_u64().unwrap() + one["out_msgs"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn a_frame_behind_another_one_costs_two_messages() {
    let port = free_port();
    let server = NatsServer::start(&["-m", &port.to_string()]).await;
    let Some((_server, edge)) = crate::opened(server, &spec()).await else { return };
    put(&edge, &spec(), P, 0..FRAMES).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut frames = take(&mut inlet, 1, LONG).await;
    let before = messages(port).await;
    for number in 1..FRAMES {
        let (accepted, next) = accept_and_take(&mut inlet, &mut settle, &frames, LONG).await;
        accepted.unwrap();
        frames = next.unwrap();
        assert_eq!(numbers(&frames), [(number, 1)]);
    }
    assert_eq!(messages(port).await - before, u64::from(2 * (FRAMES - 1)), "a request and its frame");
    let (accepted, next) = accept_and_take(&mut inlet, &mut settle, &frames, Duration::from_millis(50)).await;
    accepted.unwrap();
    assert!(next.unwrap().is_empty());
    assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 0);
}

/// The source polls the half that reports before the one that receives.
#[tokio::test]
async fn a_frame_of_a_pipeline_costs_two_messages_beside_those_of_its_lease() {
    const FRAMES: u64 = 200;
    let (port, spec) = (free_port(), spec().frames_kept(1000));
    let server = NatsServer::start(&["-m", &port.to_string()]).await;
    let Some((_server, edge)) = crate::opened(server, &spec).await else { return };
    let format = Format::<u64>::postcard(SchemaId::new("Number", 1));
    let mut outlet = edge.outlet(&spec, P);
    outlet.connect().await.unwrap();
    for number in 0..FRAMES {
        let (mut writer, mut event) = (FrameWriter::new(), Vec::new());
        format.encode(&number, &mut event).unwrap();
        writer.push(7, &event);
        let id = FrameId { writer: 1, epoch: 0, sequence: number };
        let frame = writer.finish(&Header { codec: format.codec(), schema: 1, id, ..Header::default() });
        assert_eq!(outlet.put(&[(MessageId::new(number.to_string()), frame)]).await.unwrap(), 1);
    }
    let before = messages(port).await;
    let (handled, mut numbers) = tokio::sync::mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("numbers")
        .start("edge", move || {
            Ok(EdgeSource::new(edge.clone(), spec.clone(), format.clone(), SourceOptions::new("a")))
        })
        .acknowledged()
        .finish_fn("send", move |number: u64| handled.send(number).unwrap());
    let running = pipeline.start().await.unwrap();
    for number in 0..FRAMES {
        assert_eq!(timeout(LONG, numbers.recv()).await.unwrap(), Some(number));
    }
    let sent = messages(port).await - before;
    assert!(sent < 3 * FRAMES, "{sent} messages for {FRAMES} frames");
    running.drain(LONG).await.unwrap();
}

#[tokio::test]
async fn a_report_without_a_frame_behind_it_is_confirmed_on_its_own() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let first = take(&mut inlet, 1, LONG).await;
    let accepted = reports_on(&first);
    let next = {
        let mut next = std::pin::pin!(inlet.pull(NonZeroUsize::MIN, LONG));
        tokio::select! {
            biased;
            settled = settle.settle(&accepted) => settled.unwrap(),
            next = &mut next => panic!("{next:?}"),
        }
        assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 0);
        put(&edge, &spec(), P, 1..2).await;
        next.await.unwrap()
    };
    assert_eq!(numbers(&next), [(1, 1)]);
    settle_all(&mut settle, &next, Disposition::Accept).await;
}

/// The request that is also a report ends earlier than others.
#[tokio::test]
async fn a_frame_is_received_long_after_the_last_report() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let first = take(&mut inlet, 1, LONG).await;
    let wait = Duration::from_millis(1500);
    let begun = std::time::Instant::now();
    let (accepted, next) = accept_and_take(&mut inlet, &mut settle, &first, wait).await;
    accepted.unwrap();
    assert!(next.unwrap().is_empty() && begun.elapsed() >= wait, "{:?}", begun.elapsed());
    put(&edge, &spec(), P, 1..2).await;
    assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(1, 1)]);
}

#[tokio::test]
async fn a_report_whose_request_is_given_up_is_confirmed_on_its_own() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..4).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut frames = take(&mut inlet, 1, LONG).await;
    for number in 1..4 {
        let accepted = reports_on(&frames);
        {
            let settling = settle.settle(&accepted);
            let mut settling = std::pin::pin!(settling);
            {
                // The report is offered, and leaves with the request.
                let mut asking = std::pin::pin!(inlet.pull(NonZeroUsize::MIN, LONG));
                assert!(settling.as_mut().now_or_never().is_none());
                assert!(asking.as_mut().now_or_never().is_none());
            }
            settling.await.unwrap();
        }
        frames = take(&mut inlet, 1, LONG).await;
        assert_eq!(numbers(&frames), [(number, 1)]);
    }
}

#[tokio::test]
async fn a_report_whose_call_has_ended_is_not_sent() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..2).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let first = take(&mut inlet, 1, LONG).await;
    let accepted = reports_on(&first);
    assert!(settle.settle(&accepted).now_or_never().is_none());
    assert!(take(&mut inlet, 1, Duration::from_millis(50)).await.is_empty());
    assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 2);
    settle_all(&mut settle, &first, Disposition::Accept).await;
    assert_eq!(numbers(&take(&mut inlet, 1, LONG).await), [(1, 1)]);
}

#[tokio::test]
async fn a_later_epoch_fences_a_report_that_is_a_request() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    let (mut first, mut first_settle) = opened(edge.inlet(&spec(), P, Epoch(3))).await;
    let held = take(&mut first, 1, LONG).await;
    let (mut second, _second_settle) = opened(edge.inlet(&spec(), P, Epoch(9))).await;
    let (accepted, next) = accept_and_take(&mut first, &mut first_settle, &held, LONG).await;
    assert_eq!(accepted.unwrap_err().kind(), ErrorKind::Fenced);
    assert_ne!(next.unwrap_err().kind(), ErrorKind::Fatal);
    assert_eq!(numbers(&take(&mut second, 1, LONG).await), [(0, 1)]);
    assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 3);
}

/// The connection is lost with the server, so the report is sent again on the next one.
#[tokio::test]
async fn a_report_that_a_killed_server_has_lost_is_repeated() {
    let Some((mut server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut frames = take(&mut inlet, 1, LONG).await;
    let mut handled = numbers(&frames);
    server.kill_and_restart().await;
    while handled.last().is_none_or(|(number, _)| *number < 2) {
        let (accepted, next) = accept_and_take(&mut inlet, &mut settle, &frames, LONG).await;
        if accepted.is_err() {
            // The connection is replaced behind the report, as a source does.
            let accepted = reports_on(&frames);
            while settle.settle(&accepted).await.is_err() {}
        }
        frames = match next {
            Ok(next) => next,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
                while inlet.connect().await.is_err() {}
                take(&mut inlet, 1, LONG).await
            }
        };
        handled.extend(numbers(&frames));
    }
    // Forgotten frames are delivered again.
    let mut seen = std::collections::HashSet::new();
    handled.retain(|(number, _)| seen.insert(*number));
    let handled: Vec<_> = handled.into_iter().map(|(number, _)| number).collect();
    assert_eq!(handled, [0, 1, 2], "each is first handled after the ones before it");
}

/// The consumer of the same name knows nothing of the delivery. Depending on its version, the server removes the frame all the same
/// or delivers it again.
#[tokio::test]
async fn a_report_to_a_consumer_that_was_created_anew_loses_nothing() {
    let Some((server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut frames = take(&mut inlet, 1, LONG).await;
    let stream =
        async_nats::jetstream::new(server.client().await).get_stream("EDGE_shop_orders").await.unwrap();
    stream.delete_consumer("2-1").await.unwrap();
    let _recreated = opened(edge.inlet(&spec(), P, Epoch(1))).await;
    let mut handled = numbers(&frames);
    while handled.last().is_none_or(|(number, _)| *number < 2) {
        let (accepted, next) = accept_and_take(&mut inlet, &mut settle, &frames, LONG).await;
        accepted.unwrap();
        frames = next.unwrap();
        handled.extend(numbers(&frames));
    }
    settle_all(&mut settle, &frames, Disposition::Accept).await;
    let mut handled: Vec<_> = handled.into_iter().map(|(number, _)| number).collect();
    handled.dedup();
    assert_eq!(handled, [0, 1, 2]);
    assert_eq!(edge.lag(&spec()).await.unwrap()[2].frames, 0);
}
