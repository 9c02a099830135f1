//! The objects of an edge: created, found, compared.

use stage_connect::ErrorKind;
use stage_edge::{Edge, EdgeSpec, NoteError, Notes, Partition};
use stage_nats::edge::NatsEdge;

use crate::outlets::put;
use crate::support::NatsServer;
use crate::{spec, start};

#[tokio::test]
async fn an_edge_is_opened_again_without_setup_and_refused_where_it_differs() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let opened = edge.open(&spec().setup(false)).await.unwrap();
    assert!(opened.warnings[0].contains("fewer than 3 replicas"), "{opened:?}");
    assert!(opened.durability.contains("one copy"), "{opened:?}");
    let error = edge.open(&spec().frames_kept(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let line = error.to_string();
    assert!(line.contains("stream `EDGE_shop_orders` has other settings"), "{line}");
    assert!(line.contains("its max_msgs_per_subject is 64, and not 7"), "{line}");
    let error = edge.open(&EdgeSpec::new("shop", "bills")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(
        error.to_string().contains("there is no stream `EDGE_shop_bills`; open the edge once with `setup`")
    );
}

#[tokio::test]
async fn limits_that_the_server_does_not_have_are_named() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let error = edge.clone().replicas(3).open(&EdgeSpec::new("a", "b").setup(true)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("stream `EDGE_a_b` cannot be created"), "{error}");
    let error = edge.open(&EdgeSpec::new("a b", "c")).await.unwrap_err();
    assert!(error.to_string().contains("`app` is \"a b\""), "{error}");
}

#[tokio::test]
async fn frames_larger_than_the_server_takes_are_refused_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nats.conf");
    std::fs::write(&config, "max_payload: 65536").unwrap();
    let Some(server) = NatsServer::start(&["-c", config.to_str().unwrap()]).await else { return };
    let edge = NatsEdge::new(server.server());
    let error = edge.open(&spec()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("frames of 65536 bytes need messages of 69632 bytes"), "{error}");
    edge.open(&spec().frame_bytes(32 * 1024)).await.unwrap();
}

#[tokio::test]
async fn a_note_is_changed_by_its_revision_only() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let notes = edge.notes(&spec());
    assert_eq!(notes.get("tries.orders.3").await.unwrap(), None);
    let first = notes.put("tries.orders.3", b"1", None).await.unwrap();
    assert!(matches!(notes.put("tries.orders.3", b"2", None).await, Err(NoteError::Conflict)));
    let second = notes.put("tries.orders.3", b"2", Some(first)).await.unwrap();
    assert!(matches!(notes.put("tries.orders.3", b"3", Some(first)).await, Err(NoteError::Conflict)));
    let note = notes.get("tries.orders.3").await.unwrap().unwrap();
    assert_eq!((note.value, note.revision), (b"2".to_vec(), second));
    assert!(matches!(notes.remove("tries.orders.3", first).await, Err(NoteError::Conflict)));
    notes.remove("tries.orders.3", second).await.unwrap();
    notes.remove("tries.orders.3", second).await.unwrap();
    assert_eq!(notes.get("tries.orders.3").await.unwrap(), None);
    notes.put("tries.orders.3", b"", None).await.unwrap();
    assert_eq!(notes.get("tries.orders.3").await.unwrap().unwrap().value, b"");
    assert!(matches!(notes.put("a..b", b"", None).await, Err(NoteError::Connect(_))));
}

#[tokio::test]
async fn the_lag_counts_the_frames_of_each_partition() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), Partition(1), 0..3).await;
    put(&edge, &spec(), Partition(3), 0..1).await;
    let lag = edge.lag(&spec()).await.unwrap();
    assert_eq!(lag.iter().map(|lag| lag.frames).collect::<Vec<_>>(), [0, 3, 0, 1]);
    assert!(lag[0].oldest.is_none() && lag[1].oldest.is_some() && lag[3].bytes > 0, "{lag:?}");
    assert!(lag[1].oldest < Some(crate::LONG), "{lag:?}");
}
