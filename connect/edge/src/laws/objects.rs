//! Laws of the parts of a pool, by hand.

use std::num::NonZeroUsize;

use bytes::Bytes;
use stage_connect::{Disposition, MessageId, Pull, Push, Settle};
use stage_core::Pipeline;

use super::kit::{LONG, format, frames, quick, spec};
use super::server::PoolServer;
use crate::edge::Edge;
use crate::notes::{NoteError, Notes};
use crate::partition::Partition;
use crate::source::EdgeSource;
use crate::spec::EdgeSpec;

/// A frame is stored once under its id, also by another client, and after it was handled.
///
/// # Panics
///
/// If the server violates the law.
pub async fn a_frame_is_stored_once<S: PoolServer>(server: S) {
    let (spec, edge, other) = (spec(), server.client().await, server.client().await);
    edge.open(&spec).await.expect("the edge opens");
    let message = |id: &str| [(MessageId::new(id), Bytes::from_static(b"frame"))];
    let (mut outlet, mut again) = (edge.outlet(&spec, Partition(0)), other.outlet(&spec, Partition(0)));
    outlet.connect().await.expect("the client connects");
    again.connect().await.expect("the client connects");
    assert_eq!(outlet.put(&message("one")).await.expect("it is stored"), 1);
    assert_eq!(outlet.put(&message("one")).await.expect("it is known"), 1);
    assert_eq!(again.put(&message("one")).await.expect("it is known"), 1);
    assert_eq!(again.put(&message("two")).await.expect("it is stored"), 1);
    assert_eq!(frames(&edge, &spec).await, 2);
    let mut inlet = edge.pool(&spec);
    let mut settle = inlet.settle_half();
    inlet.connect().await.expect("the client connects");
    for _ in 0..2 {
        let pulled = inlet.pull(NonZeroUsize::MIN, LONG).await.expect("a frame arrives");
        assert_eq!(pulled[0].message, b"frame"[..]);
        let accepted = [(pulled[0].receipt.clone(), Disposition::Accept)];
        settle.settle(&accepted).await.expect("the frame is settled");
    }
    assert_eq!(again.put(&message("two")).await.expect("it is known"), 1);
    assert_eq!(frames(&edge, &spec).await, 0);
}

/// A note is stored if its revision is the expected one. Notes are those of an application.
///
/// # Panics
///
/// If the server violates the law.
pub async fn notes_are_compared_and_set<S: PoolServer>(server: S) {
    let (spec, edge, other) = (spec(), server.client().await, server.client().await);
    let elsewhere = EdgeSpec::new("other", "numbers").setup(true);
    for spec in [&spec, &elsewhere] {
        edge.open(spec).await.expect("the edge opens");
    }
    let (notes, again) = (edge.notes(&spec), other.notes(&spec));
    assert!(notes.get("a.b").await.expect("the server answers").is_none());
    let first = notes.put("a.b", b"1", None).await.expect("it is stored");
    let refused = again.put("a.b", b"2", None).await;
    assert!(matches!(refused, Err(NoteError::Conflict)), "{refused:?}");
    let second = again.put("a.b", b"2", Some(first)).await.expect("it is stored");
    assert!(second > first);
    let refused = notes.put("a.b", b"3", Some(first)).await;
    assert!(matches!(refused, Err(NoteError::Conflict)), "{refused:?}");
    let found = notes.get("a.b").await.expect("the server answers").expect("a note");
    assert_eq!((&found.value[..], found.revision), (&b"2"[..], second));
    assert!(edge.notes(&elsewhere).get("a.b").await.expect("the server answers").is_none());
    let refused = notes.remove("a.b", first).await;
    assert!(matches!(refused, Err(NoteError::Conflict)), "{refused:?}");
    notes.remove("a.b", second).await.expect("it is removed");
    notes.remove("a.b", second).await.expect("a note that is missing is removed");
    let third = notes.put("a.b", b"4", None).await.expect("it is stored");
    assert!(third > second, "a revision is not used again");
}

/// A server without partitions refuses an edge with some when a pipeline starts.
///
/// # Panics
///
/// If the server violates the law.
pub async fn partitions_are_refused<S: PoolServer>(server: S) {
    if S::Edge::HAS_PARTITIONS {
        return;
    }
    let (spec, edge) = (spec().partitions(4), server.client().await);
    let pipeline = Pipeline::builder("machine")
        .start("numbers.in", move || Ok(EdgeSource::new(edge.clone(), spec.clone(), format(), quick())))
        .acknowledged()
        .finish_fn("drop", drop);
    let refused = pipeline.start().await.expect_err("a refusal").to_string();
    let expected =
        "edge `numbers`: this server has no partitions, so its edges are pools without keys; leave out `by`";
    assert!(refused.contains(expected), "{refused}");
}
