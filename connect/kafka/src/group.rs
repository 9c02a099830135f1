//! The state that the thread of a member, its source and its settling half share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use stage_connect::{ConnectError, ErrorKind};
use tokio::sync::Notify;

use crate::books::Books;
use crate::error::failed;
use crate::member::MemberContext;
use crate::options::ReadOptions;
use crate::server::Server;

/// The state of a member.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) options: ReadOptions,
    pub(crate) server: Server,
    state: Mutex<State>,
    /// Held during a commit, so that positions reach the server in their order.
    committing: Mutex<()>,
    /// Told to the thread of the member: demand, a settled message, or the end.
    changed: Condvar,
    /// Told to the source: a message, a retry or an error.
    pub(crate) arrived: Notify,
    consumer: OnceLock<Weak<BaseConsumer<MemberContext>>>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) books: Books,
    /// The number of messages that the source asks for at this moment.
    pub(crate) wanted: usize,
    /// The largest number that it has asked for since partitions were paused. The thread has as many messages ready: the
    /// rest of a call that was answered in part is smaller, and would let the calls behind it find a part, too.
    pub(crate) lately: usize,
    /// The last time at which the source asked.
    pub(crate) asked: Instant,
    pub(crate) failure: Option<ConnectError>,
    pub(crate) has_ended: bool,
}

impl State {
    fn new() -> Self {
        let (books, asked) = (Books::default(), Instant::now());
        Self { books, wanted: 0, lately: 0, asked, failure: None, has_ended: false }
    }

    /// Returns how many of the messages that the source asks for are not there.
    pub(crate) fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.books.received())
    }

    /// Returns how many messages the next call may ask for that are not there.
    pub(crate) fn spare(&self) -> usize {
        self.lately.saturating_sub(self.books.received())
    }
}

impl Group {
    pub(crate) fn new(server: Server, options: ReadOptions) -> Self {
        Self {
            options,
            server,
            state: Mutex::new(State::new()),
            committing: Mutex::default(),
            changed: Condvar::new(),
            arrived: Notify::new(),
            consumer: OnceLock::new(),
        }
    }

    /// Returns the server and the object, for messages.
    pub(crate) fn describe(&self) -> String {
        let ReadOptions { topic, group, .. } = &self.options;
        format!("{} topic `{topic}` group `{group}`", self.server.name())
    }

    pub(crate) fn set_consumer(&self, consumer: &Arc<BaseConsumer<MemberContext>>) {
        let _ = self.consumer.set(Arc::downgrade(consumer));
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and tells the thread.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.tell();
        changed
    }

    /// Tells the thread that the state has changed.
    pub(crate) fn tell(&self) {
        self.changed.notify_all();
    }

    /// Waits for a change, on the thread of the member.
    pub(crate) fn wait(&self, limit: Duration, is_enough: impl Fn(&State) -> bool) {
        let begun = Instant::now();
        let mut state = self.lock();
        while !is_enough(&state) {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Commits the positions that are not committed yet, of these partitions or of all. Blocks.
    pub(crate) fn commit(&self, of: Option<&[i32]>) -> Result<(), ConnectError> {
        match self.try_commit(of) {
            Err(error) if is_void(&error) => {
                tracing::warn!(%error, "{}: positions of a lost partition are not committed", self.describe());
                Ok(())
            }
            outcome => outcome.map_err(|error| failed(&self.describe(), "cannot commit", &error)),
        }
    }

    /// Commits as [`commit`](Self::commit) does, again and again until `limit` while the error may pass: a group refuses
    /// commits until all members have taken up their partitions. `meanwhile` runs between two attempts, and must not
    /// return at once. That the partitions belong to another member by now is an error, too.
    pub(crate) fn commit_within(
        &self,
        limit: Duration,
        of: Option<&[i32]>,
        meanwhile: impl Fn(),
    ) -> Result<(), ConnectError> {
        let begun = Instant::now();
        loop {
            let Err(error) = self.try_commit(of) else { return Ok(()) };
            let is_void = is_void(&error);
            let error = failed(&self.describe(), "cannot commit", &error);
            if is_void || error.kind() != ErrorKind::Gone || begun.elapsed() >= limit {
                return Err(error);
            }
            meanwhile();
        }
    }

    fn try_commit(&self, of: Option<&[i32]>) -> Result<(), KafkaError> {
        let _committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let positions = self.lock().books.positions(of);
        let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) else { return Ok(()) };
        if positions.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for (partition, position) in &positions {
            // A partition and an offset of the server's own are always valid.
            let _ = list.add_partition_offset(&self.options.topic, *partition, Offset::Offset(*position));
        }
        consumer.commit(&list, CommitMode::Sync)?;
        self.lock().books.committed(&positions);
        Ok(())
    }
}

/// Returns whether an error means that the partitions belong to another member by now.
fn is_void(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(Code::UnknownMemberId | Code::IllegalGeneration | Code::FencedInstanceId | Code::AssignmentLost)
    )
}

/// A half of the member. The thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Arc<Ending>);

#[derive(Debug)]
struct Ending(Arc<Group>);

impl Handle {
    pub(crate) fn new(group: Arc<Group>) -> Self {
        Self(Arc::new(Ending(group)))
    }

    pub(crate) fn group(&self) -> &Arc<Group> {
        &self.0.0
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.change(|state| state.has_ended = true);
    }
}
