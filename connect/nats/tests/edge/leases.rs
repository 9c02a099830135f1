//! Leases: taken by one, renewed, lost, given back.

use std::time::{Duration, Instant};

use stage_connect::{ErrorKind, Pull};
use stage_edge::{Edge, Epoch, Leases, Member, MemberId, Partition};
use stage_nats::edge::{NatsEdge, NatsLeases};
use tokio::time::timeout;

use crate::outlets::put;
use crate::{LEASE, LONG, spec, start};

const P: Partition = Partition(2);

fn me(id: &str) -> MemberId {
    MemberId::new(id)
}

/// Takes a partition as soon as its lease has ended.
async fn taken(leases: &NatsLeases, partition: Partition, by: &str) -> Epoch {
    let begun = Instant::now();
    loop {
        if let Some(epoch) = leases.take(partition, &me(by)).await.unwrap() {
            return epoch;
        }
        assert!(begun.elapsed() < LONG, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_partition_has_one_owner_whose_epoch_grows() {
    let Some((server, edge)) = start(&spec()).await else { return };
    let (here, there) = (edge.leases(&spec()), NatsEdge::new(server.server()).leases(&spec()));
    let first = here.take(P, &me("a")).await.unwrap().unwrap();
    assert_eq!(there.take(P, &me("b")).await.unwrap(), None);
    assert_eq!(here.take(P, &me("a")).await.unwrap(), None);
    for _ in 0..3 {
        assert!(here.renew(P, first).await.unwrap());
    }
    assert!(!there.renew(P, first).await.unwrap());
    let view = there.view().await.unwrap();
    assert_eq!((&view.owners[&P].by, view.owners[&P].epoch), (&me("a"), first));
    here.give_back(P, first).await.unwrap();
    here.give_back(P, first).await.unwrap();
    assert!(!here.renew(P, first).await.unwrap());
    let second = there.take(P, &me("b")).await.unwrap().unwrap();
    assert!(second > first);
    // The end of an earlier epoch does not concern a later one.
    here.give_back(P, first).await.unwrap();
    assert_eq!(there.view().await.unwrap().owners[&P].by, me("b"));
    assert!(there.renew(P, second).await.unwrap());
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_and_its_inlet_hands_out_nothing() {
    let Some((server, edge)) = start(&spec()).await else { return };
    put(&edge, &spec(), P, 0..3).await;
    let (here, there) = (edge.leases(&spec()), NatsEdge::new(server.server()).leases(&spec()));
    let first = here.take(P, &me("a")).await.unwrap().unwrap();
    let mut inlet = edge.inlet(&spec(), P, first);
    inlet.connect().await.unwrap();
    tokio::time::sleep(LEASE * 3 / 4).await;
    let error = inlet.pull(std::num::NonZeroUsize::MIN, LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.to_string().contains("the lease is overdue"), "{error}");
    let second = taken(&there, P, "b").await;
    assert!(!here.renew(P, first).await.unwrap());
    let error = inlet.pull(std::num::NonZeroUsize::MIN, LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    assert!(there.renew(P, second).await.unwrap());
}

#[tokio::test]
async fn members_come_change_and_leave() {
    let Some((server, edge)) = start(&spec()).await else { return };
    let (here, there) = (edge.leases(&spec()), NatsEdge::new(server.server()).leases(&spec()));
    let member = |id: &str, leaving| Member { id: me(id), name: format!("host {id}"), leaving };
    here.announce(&member("a", false)).await.unwrap();
    there.announce(&member("b", false)).await.unwrap();
    there.announce(&member("b", true)).await.unwrap();
    let mut members = here.view().await.unwrap().members;
    members.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(members, [member("a", false), member("b", true)]);
    there.withdraw(&me("b")).await.unwrap();
    assert_eq!(here.view().await.unwrap().members, [member("a", false)]);
}

#[tokio::test]
async fn what_others_give_back_or_announce_is_reported_and_renewals_are_not() {
    let Some((server, edge)) = start(&spec()).await else { return };
    let (here, there) = (edge.leases(&spec()), NatsEdge::new(server.server()).leases(&spec()));
    // The first one begins to watch.
    timeout(LONG, here.changed()).await.unwrap();
    let epoch = there.take(P, &me("b")).await.unwrap().unwrap();
    assert!(there.renew(P, epoch).await.unwrap());
    let quiet = timeout(Duration::from_millis(100), here.changed()).await;
    assert!(quiet.is_err(), "a renewal was reported");
    there.give_back(P, epoch).await.unwrap();
    timeout(LONG, here.changed()).await.unwrap();
    let member = Member { id: me("b"), name: String::new(), leaving: false };
    there.announce(&member).await.unwrap();
    timeout(LONG, here.changed()).await.unwrap();
    there.announce(&member).await.unwrap();
    let quiet = timeout(Duration::from_millis(100), here.changed()).await;
    assert!(quiet.is_err(), "a repeated announcement was reported");
    there.announce(&Member { leaving: true, ..member }).await.unwrap();
    timeout(LONG, here.changed()).await.unwrap();
}

#[tokio::test]
async fn a_take_whose_answer_was_not_seen_is_found_again() {
    let Some((_server, edge)) = start(&spec()).await else { return };
    let leases = edge.leases(&spec());
    let mut epoch = None;
    // Dropped at each of its waits, once the server has the request.
    for polls in 1..200 {
        let by = me("a");
        let mut take = std::pin::pin!(leases.take(P, &by));
        for _ in 0..polls {
            let ready = std::future::poll_fn(|cx| std::task::Poll::Ready(take.as_mut().poll(cx))).await;
            if let std::task::Poll::Ready(taken) = ready {
                epoch = taken.unwrap();
                break;
            }
            tokio::task::yield_now().await;
        }
        if epoch.is_some() {
            break;
        }
    }
    let epoch = match epoch {
        Some(epoch) => epoch,
        None => leases.take(P, &me("a")).await.unwrap().expect("its own lease"),
    };
    assert!(leases.renew(P, epoch).await.unwrap());
}
