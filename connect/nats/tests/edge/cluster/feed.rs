//! Stores events: each key counts from 0, and stays in one partition.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{ErrorKind, MessageId, Push, PutError};
use stage_edge::{Edge, EdgeSpec, Partition};
use stage_nats::edge::{NatsEdge, NatsOutlet};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{FRAME, Scale};

/// The events of each key.
pub(super) fn per_key(scale: Scale) -> u32 {
    scale.events / scale.keys
}

/// Stores all events, over one outlet per partition, whatever happens to the server.
pub(super) async fn feed(edge: &NatsEdge, spec: &EdgeSpec, scale: Scale) {
    let mut partitions: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for key in 0..scale.keys {
        partitions.entry(key % scale.partitions).or_default().push(key);
    }
    let mut outlets = JoinSet::new();
    for (partition, keys) in partitions {
        let outlet = edge.outlet(spec, Partition(partition));
        outlets.spawn(feed_partition(outlet, partition, keys, per_key(scale)));
    }
    outlets.join_all().await;
}

async fn feed_partition(mut outlet: NatsOutlet, partition: u32, keys: Vec<u32>, count: u32) {
    let events = (0..count).flat_map(|number| keys.iter().map(move |key| format!("{key} {number}\n")));
    let events: Vec<String> = events.collect();
    let mut open = false;
    for (index, frame) in events.chunks(FRAME as usize).enumerate() {
        let message = [(MessageId::new(format!("{partition}-{index}")), Bytes::from(frame.concat()))];
        loop {
            if !open {
                open = outlet.connect().await.is_ok();
            }
            match outlet.put(&message).await {
                Ok(_) => break,
                Err(PutError::Full { after }) => sleep(after).await,
                Err(PutError::Connect(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
                    open = false;
                    sleep(Duration::from_millis(50)).await;
                }
                Err(refused @ PutError::Refused { .. }) => panic!("{refused}"),
            }
        }
    }
}
