//! Leases of partitions, and the members of an edge: a bucket of the application whose values end with the lease.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use serde_json::{Value, json};
use stage_connect::ConnectError;
use stage_edge::{EdgeSpec, Epoch, LeaseView, Leases, Member, MemberId, Owned, Partition};
use tokio::time::{Instant, sleep};

use super::bucket::{Bucket, Entry, WrongRevision};
use super::guard::{Guard, Held, until};
use super::names::Names;
use crate::link::Link;

/// The wait before the next attempt to watch a server that is away.
const AWAY: Duration = Duration::from_millis(250);

/// Leases as values of a bucket. The revision with which a value was created is the epoch; a renewal replaces the value,
/// if its revision is the last known one; a value that is not renewed ends with the age of the bucket.
#[derive(Debug)]
pub struct NatsLeases {
    bucket: Bucket,
    names: Names,
    lease: Duration,
    guard: Guard,
    /// Distinguishes this process from others.
    mark: u64,
    takes: AtomicU64,
    unanswered: Unanswered,
    watching: tokio::sync::Mutex<Option<Watching>>,
}

/// A subscription to the changes of the bucket.
#[derive(Debug)]
struct Watching {
    link: Link,
    changes: Subscriber,
    /// The last announcements.
    members: HashMap<String, Vec<u8>>,
}

impl NatsLeases {
    pub(super) fn new(bucket: Bucket, spec: &EdgeSpec, guard: Guard, mark: u64) -> Self {
        Self {
            bucket,
            names: Names::of(spec),
            lease: spec.lease,
            guard,
            mark,
            takes: AtomicU64::new(0),
            unanswered: Unanswered::default(),
            watching: tokio::sync::Mutex::default(),
        }
    }

    /// Finds the lease of an earlier take whose answer was not seen.
    async fn adopt(&self, partition: Partition) -> Result<Option<Epoch>, ConnectError> {
        if !self.unanswered.any(partition) {
            return Ok(None);
        }
        let key = self.names.lease(partition);
        let Some(Entry { revision, value: Some(value) }) = self.bucket.get(&key).await? else {
            return Ok(None);
        };
        let Lease { mark, by, epoch } = Lease::of(&value, revision);
        if !self.unanswered.contains(partition, &mark) {
            return Ok(None);
        }
        // Its age at the server is not known, so it is overdue until it is renewed.
        self.guard.hold(&key, Held { epoch, mark, by, revision: Some(revision), until: Instant::now() });
        let renewed = self.renew_key(&key, epoch).await?;
        self.unanswered.forget(partition);
        Ok(renewed.then_some(epoch))
    }

    async fn renew_key(&self, key: &str, epoch: Epoch) -> Result<bool, ConnectError> {
        let sent = Instant::now();
        let Some(mut held) = self.guard.held(key, epoch) else { return Ok(false) };
        let value = Lease { mark: held.mark.clone(), by: held.by.clone(), epoch }.to_json();
        let mut renewed = self.bucket.put(key, value.clone(), held.revision).await?;
        if renewed.is_err()
            && let Some(revision) = self.own_revision(key, &held).await?
        {
            // The answer to an earlier renewal was lost.
            renewed = self.bucket.put(key, value, Some(revision)).await?;
        }
        match renewed {
            Ok(revision) => {
                (held.revision, held.until) = (Some(revision), until(sent, self.lease));
                self.guard.hold(key, held);
            }
            Err(WrongRevision) => self.guard.lose(key, epoch),
        }
        Ok(renewed.is_ok())
    }

    /// Returns the present revision of a key, if its lease is still this one.
    async fn own_revision(&self, key: &str, held: &Held) -> Result<Option<u64>, ConnectError> {
        let entry = self.bucket.get(key).await?;
        let own = |Entry { revision, value }: Entry| {
            (Lease::of(&value?, revision).mark == held.mark).then_some(revision)
        };
        Ok(entry.and_then(own))
    }
}

impl Leases for NatsLeases {
    async fn take(&self, partition: Partition, by: &MemberId) -> Result<Option<Epoch>, ConnectError> {
        let key = self.names.lease(partition);
        let sent = Instant::now();
        let mark = format!("{:016x}-{}", self.mark, self.takes.fetch_add(1, Ordering::Relaxed));
        let value = json!({ "mark": mark, "by": by.as_str() }).to_string();
        let asking = self.unanswered.asking(partition, &mark);
        let created = self.bucket.create(&key, value).await?;
        asking.answered();
        let Ok(revision) = created else { return self.adopt(partition).await };
        let (epoch, until) = (Epoch(revision), until(sent, self.lease));
        let by = by.as_str().to_owned();
        self.guard.hold(&key, Held { epoch, mark, by, revision: Some(revision), until });
        Ok(Some(epoch))
    }

    async fn renew(&self, partition: Partition, epoch: Epoch) -> Result<bool, ConnectError> {
        self.renew_key(&self.names.lease(partition), epoch).await
    }

    async fn give_back(&self, partition: Partition, epoch: Epoch) -> Result<(), ConnectError> {
        let key = self.names.lease(partition);
        let Some(held) = self.guard.held(&key, epoch) else { return Ok(()) };
        let deleted = self.bucket.delete(&key, held.revision).await?;
        if deleted.is_err()
            && let Some(revision) = self.own_revision(&key, &held).await?
        {
            let _lost = self.bucket.delete(&key, Some(revision)).await?;
        }
        self.guard.lose(&key, epoch);
        Ok(())
    }

    async fn announce(&self, member: &Member) -> Result<(), ConnectError> {
        let value = json!({ "name": member.name, "leaving": member.leaving }).to_string();
        let _revision = self.bucket.put(&self.names.member(member.id.as_str()), value, None).await?;
        Ok(())
    }

    async fn withdraw(&self, member: &MemberId) -> Result<(), ConnectError> {
        let _deleted = self.bucket.delete(&self.names.member(member.as_str()), None).await?;
        Ok(())
    }

    async fn view(&self) -> Result<LeaseView, ConnectError> {
        let mut view = LeaseView::default();
        let (members, own) = (self.names.members(), format!("p.{}.", self.names.edge()));
        for (key, entry) in self.bucket.all(">").await? {
            let Some(value) = entry.value else { continue };
            if let Some(id) = key.strip_prefix(&members) {
                let value: Value = serde_json::from_slice(&value).unwrap_or_default();
                let name = value["name"].as_str().unwrap_or_default().to_owned();
                let leaving = value["leaving"].as_bool().unwrap_or_default();
                view.members.push(Member { id: MemberId::new(id), name, leaving });
            } else if let Some(partition) = key.strip_prefix(&own).and_then(|number| number.parse().ok()) {
                let Lease { by, epoch, .. } = Lease::of(&value, entry.revision);
                view.owners.insert(Partition(partition), Owned { by: MemberId::new(by), epoch });
            }
        }
        Ok(view)
    }

    async fn changed(&self) {
        let mut watching = self.watching.lock().await;
        loop {
            let Some(open) = watching.as_mut().filter(|watching| watching.link.is_sound()) else {
                match self.watch().await {
                    Ok(open) => *watching = Some(open),
                    Err(_) => sleep(AWAY).await,
                }
                // What changed meanwhile was not seen.
                return;
            };
            let change = tokio::select! {
                change = open.changes.next() => change,
                () = open.link.ended() => None,
            };
            match change {
                Some(change) if self.is_of_interest(&mut open.members, &change) => return,
                Some(_) => {}
                None => *watching = None,
            }
        }
    }
}

/// The marks of takes that ended without an answer, since they failed or were dropped. Such a lease may exist.
#[derive(Debug, Default)]
struct Unanswered(Mutex<HashMap<Partition, HashSet<String>>>);

/// A take that waits for its answer.
struct Asking<'a> {
    unanswered: &'a Unanswered,
    partition: Partition,
    mark: Option<String>,
}

impl Unanswered {
    fn lock(&self) -> MutexGuard<'_, HashMap<Partition, HashSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asking(&self, partition: Partition, mark: &str) -> Asking<'_> {
        Asking { unanswered: self, partition, mark: Some(mark.to_owned()) }
    }

    fn any(&self, partition: Partition) -> bool {
        self.lock().contains_key(&partition)
    }

    fn contains(&self, partition: Partition, mark: &str) -> bool {
        self.lock().get(&partition).is_some_and(|marks| marks.contains(mark))
    }

    fn forget(&self, partition: Partition) {
        self.lock().remove(&partition);
    }
}

impl Asking<'_> {
    fn answered(mut self) {
        self.mark = None;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(mark) = self.mark.take() {
            self.unanswered.lock().entry(self.partition).or_default().insert(mark);
        }
    }
}

impl NatsLeases {
    async fn watch(&self) -> Result<Watching, ConnectError> {
        let (at, what) = (self.bucket.describe(), "cannot watch");
        let link = self.bucket.line().link().await?;
        let subscribed = link.patiently(link.client.subscribe(self.bucket.subject(">"))).await;
        let subscribed = subscribed.map_err(|error| error.at(&at, what))?;
        let changes = subscribed.map_err(|error| ConnectError::gone(at, what, error.to_string()))?;
        Ok(Watching { link, changes, members: HashMap::new() })
    }

    /// Returns whether a change concerns others: a lease was given back, or a member came, left or changed.
    fn is_of_interest(&self, members: &mut HashMap<String, Vec<u8>>, change: &Message) -> bool {
        let deleted = change.headers.as_ref().is_some_and(|headers| headers.get("KV-Operation").is_some());
        let subject = change.subject.as_str();
        if subject.starts_with(&self.bucket.subject(&self.names.members())) {
            if deleted {
                return members.remove(subject).is_some();
            }
            let before = members.insert(subject.to_owned(), change.payload.to_vec());
            return before.is_none_or(|before| before != change.payload);
        }
        deleted && subject.starts_with(&self.bucket.subject(&format!("p.{}.", self.names.edge())))
    }
}

/// The value of a lease.
struct Lease {
    mark: String,
    by: String,
    epoch: Epoch,
}

impl Lease {
    /// Reads a value. The first one of a lease does not contain the epoch, which is its own revision.
    fn of(value: &[u8], revision: u64) -> Self {
        let value: Value = serde_json::from_slice(value).unwrap_or_default();
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        Self { mark: text("mark"), by: text("by"), epoch: Epoch(value["epoch"].as_u64().unwrap_or(revision)) }
    }

    fn to_json(&self) -> String {
        json!({ "mark": self.mark, "by": self.by, "epoch": self.epoch.0 }).to_string()
    }
}
