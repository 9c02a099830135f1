//! Stored frames and dead letters.

use std::ops::Range;

use bytes::Bytes;
use stage_connect::laws::by_hand::put_all;
use stage_connect::{ConnectError, ErrorKind, MessageId, Push, PutError};
use stage_edge::{Edge, EdgeSpec, Partition};
use stage_nats::edge::NatsEdge;

use crate::support::NatsServer;
use crate::{spec, start};

pub(crate) fn frames(range: Range<u32>) -> Vec<(MessageId, Bytes)> {
    range.map(|number| (MessageId::new(format!("frame-{number}")), number.to_string().into())).collect()
}

/// Stores numbered frames; the ids differ by partition.
pub(crate) async fn put(edge: &NatsEdge, spec: &EdgeSpec, partition: Partition, numbers: Range<u32>) {
    let mut outlet = edge.outlet(spec, partition);
    outlet.connect().await.unwrap();
    let frame = |number: u32| (MessageId::new(format!("{partition}-{number}")), number.to_string().into());
    put_all(&mut outlet, &numbers.map(frame).collect::<Vec<_>>()).await;
}

async fn messages(server: &NatsServer, stream: &str) -> u64 {
    let context = async_nats::jetstream::new(server.client().await);
    context.get_stream(stream).await.unwrap().cached_info().state.messages
}

#[tokio::test]
async fn a_full_partition_refuses_frames_and_others_take_them() {
    let spec = spec().frames_kept(3);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut outlet = edge.outlet(&spec, Partition(0));
    outlet.connect().await.unwrap();
    assert_eq!(outlet.put(&frames(0..5)).await.unwrap(), 3);
    for _ in 0..2 {
        assert!(matches!(outlet.put(&frames(3..5)).await, Err(PutError::Full { .. })));
    }
    put(&edge, &spec, Partition(1), 0..3).await;
    assert_eq!(messages(&server, "EDGE_shop_orders").await, 6);
}

#[tokio::test]
async fn a_repeated_frame_is_stored_once_even_where_the_partition_is_full() {
    let spec = spec().frames_kept(3);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut outlet = edge.outlet(&spec, Partition(0));
    outlet.connect().await.unwrap();
    assert_eq!(outlet.put(&frames(0..3)).await.unwrap(), 3);
    assert_eq!(outlet.put(&frames(0..3)).await.unwrap(), 3);
    assert_eq!(messages(&server, "EDGE_shop_orders").await, 3);
}

#[tokio::test]
async fn a_dead_letter_is_stored_once() {
    let Some((server, edge)) = start(&spec()).await else { return };
    let mut letters = edge.letters(&spec());
    letters.connect().await.unwrap();
    let letter = |id: &str| (MessageId::new(id), Bytes::from_static(b"broken"));
    assert_eq!(letters.put(&[letter("3.7"), letter("3.8"), letter("3.7")]).await.unwrap(), 3);
    letters.connect().await.unwrap();
    assert_eq!(letters.put(&[letter("3.7")]).await.unwrap(), 1);
    assert_eq!(messages(&server, "DEAD_shop").await, 2);
}

#[tokio::test]
async fn a_frame_that_no_server_takes_is_refused() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let mut outlet = edge.outlet(&spec(), Partition(0));
    outlet.connect().await.unwrap();
    let large = (MessageId::new("large"), Bytes::from(vec![0; 2 << 20]));
    let refused = outlet.put(&[large]).await.unwrap_err();
    assert!(
        matches!(&refused, PutError::Refused { index: 0, cause } if cause.contains("bytes")),
        "{refused}"
    );
    assert_eq!(outlet.put(&frames(0..1)).await.unwrap(), 1);
}

#[tokio::test]
async fn an_outlet_outlives_its_server_and_stores_a_frame_once() {
    let Some((mut server, edge)) = start(&spec()).await else { return };
    let mut outlet = edge.outlet(&spec(), Partition(0));
    outlet.connect().await.unwrap();
    assert_eq!(outlet.put(&frames(0..1)).await.unwrap(), 1);
    server.kill();
    let gone = outlet.put(&frames(0..2)).await.unwrap_err();
    assert!(matches!(&gone, PutError::Connect(error) if error.kind() == ErrorKind::Gone), "{gone}");
    assert!(gone_of(outlet.connect().await).to_string().contains("cannot connect"));
    server.restart().await;
    loop {
        // A server that is starting does not answer yet.
        if outlet.connect().await.is_ok() && outlet.put(&frames(0..2)).await.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(messages(&server, "EDGE_shop_orders").await, 2);
}

fn gone_of(result: Result<(), ConnectError>) -> ConnectError {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    error
}

#[tokio::test]
async fn an_outlet_without_its_stream_says_so() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let error = edge.outlet(&EdgeSpec::new("shop", "bills"), Partition(0)).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().ends_with("there is no stream `EDGE_shop_bills`; open the edge with `setup`"));
}
