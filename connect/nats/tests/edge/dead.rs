//! Dead letters on the server.

use stage_connect::laws::by_hand::{opened, settle_all, take};
use stage_connect::{Disposition, MessageId, Push};
use stage_edge::{Edge, EdgeSpec, Form, Frame, Letter, Partition, key_hash, partition_of};
use stage_nats::edge::NatsEdge;

use crate::outlets::put;
use crate::{LONG, spec, start};

fn letter(edge: &str, number: u8) -> Letter {
    Letter {
        edge: edge.to_owned(),
        partition: 0,
        position: format!("{edge}.0.a-0-{number}"),
        attempts: 5,
        cause: format!("no ink for {number}"),
        event: vec![number],
        form: Some(Form { key: key_hash(&[number]), codec: 1, schema: 3, fingerprint: 9 }),
    }
}

async fn bury(edge: &NatsEdge, spec: &EdgeSpec, letters: &[Letter]) {
    let mut outlet = edge.letters(spec);
    outlet.connect().await.unwrap();
    for letter in letters {
        let message = (MessageId::new(letter.position.clone()), serde_json::to_vec(letter).unwrap().into());
        outlet.put(&[message]).await.unwrap();
    }
}

#[tokio::test]
async fn letters_are_listed_by_edge_revived_into_their_partitions_and_forgotten() {
    let spec = spec();
    let Some((_server, edge)) = start(&spec).await else { return };
    let mut payments = spec.clone();
    payments.name = "payments".to_owned();
    edge.open(&payments).await.unwrap();
    bury(&edge, &spec, &[letter("orders", 1)]).await;
    bury(&edge, &payments, &[letter("payments", 2)]).await;
    bury(&edge, &spec, &[letter("orders", 3), letter("orders", 3), letter("orders", 4)]).await;

    let dead = edge.dead(&spec);
    let listed = async |after, limit| {
        let listed = dead.list(after, limit).await.unwrap();
        listed.into_iter().map(|dead| (dead.number, dead.letter)).collect::<Vec<_>>()
    };
    assert_eq!(listed(0, 2).await, [(1, letter("orders", 1)), (3, letter("orders", 3))]);
    assert_eq!(listed(3, 2).await, [(4, letter("orders", 4))]);

    assert!(dead.revive(3).await.unwrap());
    assert!(!dead.revive(3).await.unwrap());
    let key = key_hash(&[3]);
    let partition = partition_of(key, 4);
    let (mut inlet, mut settle) = opened(edge.inlet(&spec, partition, stage_edge::Epoch(1))).await;
    let pulled = take(&mut inlet, 1, LONG).await;
    let frame = Frame::read(pulled[0].message.clone()).unwrap();
    let event = frame.event(0).unwrap();
    assert_eq!((frame.len(), event.key, &event.bytes[..]), (1, key, &[3][..]));
    assert_eq!((frame.header.codec, frame.header.schema, frame.header.fingerprint), (1, 3, 9));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;

    assert!(dead.forget(1).await.unwrap());
    assert!(!dead.forget(1).await.unwrap());
    assert_eq!(listed(0, 10).await, [(4, letter("orders", 4))]);
    assert_eq!(edge.dead(&payments).list(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_frame_that_is_dead_as_a_whole_is_listed_with_its_cause() {
    let spec = spec();
    let Some((_server, edge)) = start(&spec).await else { return };
    put(&edge, &spec, Partition(0), 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec, Partition(0), stage_edge::Epoch(1))).await;
    let pulled = take(&mut inlet, 1, LONG).await;
    settle_all(&mut settle, &pulled, Disposition::Dead { cause: "no ink".into() }).await;
    let listed = edge.dead(&spec).list(0, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    let letter = &listed[0].letter;
    assert_eq!((letter.cause.as_str(), letter.attempts, letter.form), ("no ink", 1, None));
    assert_eq!(letter.event, pulled[0].message);
}

#[tokio::test]
async fn a_report_that_is_repeated_leaves_the_next_delivery_of_its_frame_in_hand() {
    let spec = spec();
    let Some((_server, edge)) = start(&spec).await else { return };
    put(&edge, &spec, Partition(2), 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec, Partition(2), stage_edge::Epoch(1))).await;
    let first = take(&mut inlet, 1, LONG).await;
    let refused = Disposition::Retry { after: std::time::Duration::ZERO };
    settle_all(&mut settle, &first, refused.clone()).await;
    let again = take(&mut inlet, 1, LONG).await;
    settle_all(&mut settle, &first, refused).await;
    settle_all(&mut settle, &again, Disposition::Dead { cause: "no ink".to_owned() }).await;
    let letters = edge.dead(&spec).list(0, 10).await.unwrap();
    assert_eq!(letters.iter().map(|dead| dead.letter.cause.as_str()).collect::<Vec<_>>(), ["no ink"]);
}
