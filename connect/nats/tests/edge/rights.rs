//! The rights that the README lists are those that a running edge needs.

use std::time::Duration;

use bytes::Bytes;
use stage_connect::laws::by_hand::{opened, settle_all, take};
use stage_connect::{Disposition, MessageId, Push};
use stage_edge::{Edge, Leases, Member, MemberId, Notes, Partition};
use stage_nats::edge::NatsEdge;

use crate::outlets::put;
use crate::support::NatsServer;
use crate::{LONG, spec};

/// Returns the subjects in the row of the README that begins with `name`.
fn row(name: &str) -> String {
    let readme = include_str!("../../README.md");
    let begin = format!("| {name} |");
    let row = readme.lines().find(|line| line.starts_with(&begin)).expect("a row of the README");
    let subjects: Vec<_> = row.split('`').skip(1).step_by(2).map(|subject| format!("{subject:?}")).collect();
    assert!(subjects.len() > 1, "{row}");
    subjects.join(", ")
}

#[tokio::test]
async fn a_running_edge_needs_no_more_rights_than_the_readme_lists() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nats.conf");
    let text = format!(
        "authorization {{ users = [ {{ user: admin, password: a }},
          {{ user: app, password: b, permissions: {{ publish: [{}], subscribe: [{}] }} }} ] }}",
        row("may publish"),
        row("may subscribe")
    );
    std::fs::write(&config, text).unwrap();
    let Some(server) = NatsServer::start(&["-c", config.to_str().unwrap()]).await else { return };
    NatsEdge::new(server.server().credentials("admin", "a")).open(&spec()).await.unwrap();

    let edge = NatsEdge::new(server.server().credentials("app", "b"));
    let spec = spec().setup(false);
    let partition = Partition(1);
    edge.open(&spec).await.unwrap();
    put(&edge, &spec, partition, 0..2).await;
    let leases = edge.leases(&spec);
    leases.changed().await;
    let me = MemberId::new("me");
    leases.announce(&Member { id: me.clone(), name: "me".into(), leaving: false }).await.unwrap();
    let epoch = leases.take(partition, &me).await.unwrap().unwrap();
    assert!(leases.renew(partition, epoch).await.unwrap());
    assert_eq!(leases.view().await.unwrap().owners.len(), 1);
    let (mut inlet, mut settle) = opened(edge.inlet(&spec, partition, epoch)).await;
    let frame = take(&mut inlet, 1, LONG).await;
    settle_all(&mut settle, &frame, Disposition::Accept).await;
    let frame = take(&mut inlet, 1, LONG).await;
    settle_all(&mut settle, &frame, Disposition::Dead { cause: "no ink".into() }).await;
    assert!(take(&mut inlet, 1, Duration::from_millis(1)).await.is_empty());
    let notes = edge.notes(&spec);
    notes.put("a", b"1", None).await.unwrap();
    assert!(notes.get("a").await.unwrap().is_some());
    let mut letters = edge.letters(&spec);
    letters.connect().await.unwrap();
    letters.put(&[(MessageId::new("1"), Bytes::from_static(b"x"))]).await.unwrap();
    assert!(edge.lag(&spec).await.unwrap().iter().all(|lag| lag.frames == 0));
    leases.give_back(partition, epoch).await.unwrap();
    leases.withdraw(&me).await.unwrap();
}
