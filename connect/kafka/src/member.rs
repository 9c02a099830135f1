//! The thread of a member of a group: polls, pauses, and settles before it gives partitions back.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::util::Timeout;
use stage_connect::ConnectError;

use crate::error::failed;
use crate::group::Group;
use crate::message::KafkaMessage;
use crate::options::StartAt;

/// The longest time without a look at the demand.
const TICK: Duration = Duration::from_millis(100);

/// The time without demand after which partitions are paused. A pause discards what the client has fetched in advance,
/// and a member that does not poll cannot answer the group.
const IDLE: Duration = Duration::from_secs(1);

/// The pause between two attempts to commit.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Answers the group on behalf of a member.
#[derive(Debug)]
pub(crate) struct MemberContext {
    group: Arc<Group>,
}

impl ClientContext for MemberContext {
    fn error(&self, error: KafkaError, reason: &str) {
        report(&self.group, &error, reason);
    }
}

impl ConsumerContext for MemberContext {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else { return };
        let revoked = numbers(list);
        let group = &self.group;
        group.change(|state| state.books.close(&revoked));
        let (begun, limit) = (Instant::now(), group.options.settle_within);
        group.wait(limit, |state| state.has_ended || !state.books.is_in_hand(&revoked));
        // The group refuses commits until its last member has taken up its partitions, which may be after this one.
        let left = limit.saturating_sub(begun.elapsed());
        if let Err(error) = group.commit_within(left, Some(&revoked), || thread::sleep(PAUSE)) {
            // The next member begins at the last position that was committed.
            tracing::warn!(%error, "a partition is given back before its position is committed");
        }
        group.change(|state| state.books.revoke(&revoked));
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            self.group.change(|state| state.books.assign(numbers(list)));
        }
    }

    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(TICK)
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}

/// Hands an error to the source. Errors of single brokers are not worth an interruption: the client goes on.
fn report(group: &Group, error: &KafkaError, reason: &str) {
    use RDKafkaErrorCode as Code;
    let concerns_all = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::AllBrokersDown
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::InconsistentGroupProtocol
                | Code::Fatal
        )
    );
    if concerns_all {
        let error = failed(&group.describe(), "cannot read", error);
        group.change(|state| state.failure = Some(error));
        group.arrived.notify_one();
    } else {
        tracing::debug!(%error, reason, "{}: the client goes on", group.describe());
    }
}

/// Joins the group, on a thread of its own, which ends with the last half of the member.
pub(crate) fn join(group: &Arc<Group>) -> Result<Arc<BaseConsumer<MemberContext>>, ConnectError> {
    let (at, what) = (group.describe(), "cannot join the group");
    let reset = match group.options.start {
        StartAt::Oldest => "earliest",
        StartAt::New => "latest",
    };
    let context = MemberContext { group: Arc::clone(group) };
    let config = group.server.consumer(&group.options.group, reset);
    let consumer: BaseConsumer<MemberContext> =
        config.create_with_context(context).map_err(|error| failed(&at, what, &error))?;
    consumer.subscribe(&[&group.options.topic]).map_err(|error| failed(&at, what, &error))?;
    let consumer = Arc::new(consumer);
    group.set_consumer(&consumer);
    group.lock().asked = Instant::now();
    let member = Member {
        consumer: Arc::clone(&consumer),
        group: Arc::clone(group),
        paused: Paused::No,
        held: Vec::new(),
        committed: Instant::now(),
    };
    thread::Builder::new()
        .name("stage-kafka".to_owned())
        .spawn(move || member.run())
        .map_err(|error| ConnectError::gone(&at, what, error))?;
    Ok(consumer)
}

struct Member {
    consumer: Arc<BaseConsumer<MemberContext>>,
    group: Arc<Group>,
    paused: Paused,
    /// Partitions that are paused because they are too far ahead.
    held: Vec<i32>,
    /// The last time at which positions of these were committed here.
    committed: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paused {
    No,
    All,
}

impl Member {
    fn run(mut self) {
        loop {
            let (ended, missing, spare, is_idle) = {
                let state = self.group.lock();
                let is_idle = state.wanted == 0 && state.asked.elapsed() >= IDLE;
                (state.has_ended, state.missing(), state.spare(), is_idle)
            };
            if ended {
                break;
            }
            if missing > 0 {
                self.resume();
                self.hold_back();
                self.receive(missing, TICK);
            } else if self.paused == Paused::All {
                // The client answers the group only while it is polled.
                self.receive(1, TICK);
            } else if is_idle {
                self.pause();
            } else {
                // Messages that the client has fetched are copied while the pipeline works, so the next call need not wait.
                let is_there = self.receive_spare(spare);
                self.group.wait(TICK, |state| {
                    state.has_ended || state.missing() > 0 || (is_there && state.spare() > 0)
                });
            }
        }
        self.pause();
        // A group that is rebalanced waits for an answer of this member, which a poll gives.
        let answer = || {
            let begun = Instant::now();
            if let Some(Err(error)) = self.consumer.poll(PAUSE) {
                report(&self.group, &error, "poll");
            }
            thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
        };
        if let Err(error) = self.group.commit_within(self.group.options.settle_within, None, answer) {
            tracing::warn!(%error, "the last positions are not committed");
        }
        // Leaves the group; the callbacks of that find neither halves nor a client, and do not wait.
    }

    /// Takes messages that are there; returns whether there were as many.
    fn receive_spare(&mut self, at_most: usize) -> bool {
        if at_most == 0 {
            return true;
        }
        self.hold_back();
        self.receive(at_most, Duration::ZERO) == at_most
    }

    /// Takes messages that are there, or waits for the first one; returns their number.
    fn receive(&self, at_most: usize, wait: Duration) -> usize {
        let mut received = Vec::new();
        while received.len() < at_most {
            let wait = if received.is_empty() { wait } else { Duration::ZERO };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => received.push(KafkaMessage::copy(&message)),
                Some(Err(error)) => report(&self.group, &error, "poll"),
                None => break,
            }
        }
        let count = received.len();
        if count > 0 {
            self.group.change(|state| received.into_iter().for_each(|message| state.books.receive(message)));
            self.group.arrived.notify_one();
        }
        count
    }

    /// Pauses all partitions. Those that are assigned later may deliver one message, which waits for demand.
    fn pause(&mut self) {
        if let Ok(assigned) = self.consumer.assignment()
            && let Err(error) = self.consumer.pause(&assigned)
        {
            tracing::debug!(%error, "{}: cannot pause", self.group.describe());
        }
        self.paused = Paused::All;
        self.group.lock().lately = 0;
    }

    fn resume(&mut self) {
        if self.paused == Paused::No {
            return;
        }
        if let Ok(assigned) = self.consumer.assignment()
            && let Err(error) = self.consumer.resume(&assigned)
        {
            tracing::debug!(%error, "{}: cannot resume", self.group.describe());
        }
        self.paused = Paused::No;
        self.held.clear();
    }

    /// Pauses partitions that are too far ahead of their committed position, and resumes the others.
    fn hold_back(&mut self) {
        let ahead = self.group.lock().books.too_far_ahead(self.group.options.ahead);
        if !ahead.is_empty() && self.committed.elapsed() >= IDLE {
            // A member that handles nothing repeats no commit that a rebalance has prevented.
            self.committed = Instant::now();
            if let Err(error) = self.group.commit(Some(&ahead)) {
                tracing::debug!(%error, "positions of partitions that are held back are not committed");
            }
        }
        if ahead == self.held {
            return;
        }
        let list = |numbers: &[i32]| {
            let mut list = TopicPartitionList::new();
            for number in numbers {
                list.add_partition(&self.group.options.topic, *number);
            }
            list
        };
        let freed: Vec<_> = self.held.iter().copied().filter(|number| !ahead.contains(number)).collect();
        for outcome in [self.consumer.resume(&list(&freed)), self.consumer.pause(&list(&ahead))] {
            if let Err(error) = outcome {
                tracing::debug!(%error, "{}: cannot pause or resume partitions", self.group.describe());
            }
        }
        self.held = ahead;
    }
}
