//! Options of the language, their owners, and an example of each.

use crate::suggest::did_you_mean;
use crate::words::list;

/// An option, of the pipeline or of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionWord {
    Name,
    Count,
    Demand,
    MinDemand,
    MaxDemand,
    Placement,
    Buffer,
    Keep,
    Restart,
    Cancel,
    By,
    Dispatcher,
    Rejected,
    OnFailure,
    Retry,
    AtOnce,
    Order,
    AtMost,
    Per,
    Rate,
    Batch,
    Args,
    Partitions,
    Schema,
    Spec,
    Acknowledged,
    Strategy,
    MaxRestarts,
    Within,
    Backoff,
    /// The number of parts of a partition, which is not an option but is read like one.
    Into,
}

/// Every option with its word and an example.
const ALL: [(OptionWord, &str, &str); 30] = [
    (OptionWord::Name, "name", "name: \"storage\""),
    (OptionWord::Count, "count", "count: 4"),
    (OptionWord::Demand, "demand", "demand: auto"),
    (OptionWord::MinDemand, "min_demand", "min_demand: 1"),
    (OptionWord::MaxDemand, "max_demand", "max_demand: 10"),
    (OptionWord::Placement, "placement", "placement: blocking"),
    (OptionWord::Buffer, "buffer", "buffer: 1000"),
    (OptionWord::Keep, "keep", "keep: first"),
    (OptionWord::Restart, "restart", "restart: temporary"),
    (OptionWord::Cancel, "cancel", "cancel: transient"),
    (OptionWord::By, "by", "by: |event| event.key"),
    (OptionWord::Dispatcher, "dispatcher", "dispatcher: FairDispatcher::new()"),
    (OptionWord::Rejected, "rejected", "rejected: |events| store(events)"),
    (OptionWord::OnFailure, "on_failure", "on_failure: skip"),
    (OptionWord::Retry, "retry", "retry: Backoff::new(FIRST, MOST).attempts(3)"),
    (OptionWord::AtOnce, "at_once", "at_once: 16"),
    (OptionWord::Order, "order", "order: any"),
    (OptionWord::AtMost, "at_most", "at_most: 2"),
    (OptionWord::Per, "per", "per: |event| event.tenant"),
    (OptionWord::Rate, "rate", "rate: Rate::new(100, Duration::from_secs(1))?"),
    (OptionWord::Batch, "batch", "batch: Limits::count(100)"),
    (OptionWord::Args, "args", "args: [first, second]"),
    (OptionWord::Partitions, "partitions", "partitions: 32"),
    (OptionWord::Schema, "schema", "schema: 3"),
    (OptionWord::Spec, "spec", "spec: |spec| spec.lease(LEASE)"),
    (OptionWord::Acknowledged, "acknowledged", "acknowledged"),
    (OptionWord::Strategy, "strategy", "strategy: one_for_one"),
    (OptionWord::MaxRestarts, "max_restarts", "max_restarts: 3"),
    (OptionWord::Within, "within", "within: Duration::from_secs(5)"),
    (OptionWord::Backoff, "backoff", "backoff: Backoff::new(FIRST, MOST)"),
];

/// The word that is not an option.
const INTO: (OptionWord, &str, &str) = (OptionWord::Into, "into", "into 4");

impl OptionWord {
    /// The options of a whole pipeline: its name, its supervision, and the defaults of its steps.
    pub(crate) const OF_PIPELINE: &[Self] = &[
        Self::Name,
        Self::Acknowledged,
        Self::Count,
        Self::Demand,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Cancel,
        Self::Strategy,
        Self::MaxRestarts,
        Self::Within,
        Self::Backoff,
    ];
    /// The options of a pipeline for use with `through`, which the surrounding pipeline supervises.
    pub(crate) const OF_PART: &[Self] = &[
        Self::Name,
        Self::Acknowledged,
        Self::Count,
        Self::Demand,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Cancel,
    ];
    /// The options of a `through`: defaults for the steps of the other pipeline.
    pub(crate) const OF_THROUGH: &[Self] = &[
        Self::Name,
        Self::Count,
        Self::Demand,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Cancel,
    ];
    /// The options of a `start`, which has no demand of its own.
    pub(crate) const OF_START: &[Self] = &[
        Self::Args,
        Self::Name,
        Self::Count,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Dispatcher,
        Self::Rejected,
    ];
    /// The options of a `step`.
    pub(crate) const OF_STEP: &[Self] = &[
        Self::Args,
        Self::Name,
        Self::Count,
        Self::By,
        Self::Demand,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Cancel,
        Self::Dispatcher,
        Self::Rejected,
        Self::OnFailure,
        Self::Retry,
        Self::AtOnce,
        Self::Order,
        Self::AtMost,
        Self::Per,
        Self::Rate,
        Self::Batch,
    ];
    /// The options of a `finish`, which emits nothing.
    pub(crate) const OF_FINISH: &[Self] = &[
        Self::Args,
        Self::Name,
        Self::Count,
        Self::By,
        Self::Demand,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Restart,
        Self::Cancel,
        Self::OnFailure,
        Self::Retry,
        Self::AtOnce,
        Self::Order,
        Self::AtMost,
        Self::Per,
        Self::Rate,
        Self::Batch,
    ];
    /// The options of an `across`.
    pub(crate) const OF_ACROSS: &[Self] = &[Self::Name, Self::By, Self::Partitions, Self::Schema, Self::Spec];
    /// The options of a `then`: all others belong to its step.
    pub(crate) const OF_THEN: &[Self] = &[Self::Args];

    fn row(self) -> (Self, &'static str, &'static str) {
        ALL.into_iter().find(|(option, ..)| *option == self).unwrap_or(INTO)
    }

    pub(crate) fn word(self) -> &'static str {
        self.row().1
    }

    /// Returns an example of the option.
    pub(crate) fn example(self) -> &'static str {
        self.row().2
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        ALL.into_iter().find(|(_, known, _)| *known == word).map(|(option, ..)| option)
    }

    /// Returns the allowed option that a misspelled or foreign word most likely means.
    pub(crate) fn guess(word: &str, allowed: &[Self]) -> Option<Self> {
        let slip = did_you_mean(word, allowed.iter().map(|option| option.word())).and_then(Self::from_word);
        let meant = slip.or(match word {
            "copies" | "workers" | "threads" | "instances" | "replicas" | "stages" | "concurrency"
            | "parallel" | "parallelism" => Some(Self::Count),
            "max" | "prefetch" => Some(Self::MaxDemand),
            "window" | "auto" | "tuning" => Some(Self::Demand),
            "key" | "partition_by" => Some(Self::By),
            "capacity" | "buffer_size" => Some(Self::Buffer),
            "cancel_mode" => Some(Self::Cancel),
            "policy" | "failure" | "failure_policy" | "on_error" | "dead_letter" | "dead_letters"
            | "letters" | "dlq" => Some(Self::OnFailure),
            "retries" | "attempts" => Some(Self::Retry),
            "ordered" | "unordered" => Some(Self::Order),
            "max_concurrency" | "concurrent" | "in_flight" | "buffered" => Some(Self::AtOnce),
            "rate_limit" | "limit" | "throttle" => Some(Self::Rate),
            "batch_size" | "batches" | "chunks" => Some(Self::Batch),
            "unhandled" | "leftovers" | "left_over" | "remainder" => Some(Self::Rejected),
            "ack" | "acked" => Some(Self::Acknowledged),
            "shards" | "parts" | "into" => Some(Self::Partitions),
            "version" => Some(Self::Schema),
            _ => None,
        });
        meant.filter(|meant| allowed.contains(meant))
    }

    /// Returns whether the option takes no value.
    pub(crate) fn stands_alone(word: &str) -> bool {
        Self::guess(word, &[Self::Acknowledged]).is_some()
    }
}

/// Lists the words of `options` for a sentence: `` `name`, `count` and `by` ``.
pub(crate) fn sentence(options: &[OptionWord]) -> String {
    list(options.iter().map(|option| option.word()), "and")
}
