//! Which words does the language have, and what does each of them take?

use crate::suggest::did_you_mean;

/// What an item of a pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Where events come from.
    Start,
    /// What events go through.
    Step,
    /// Where events end.
    Finish,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Start, Self::Step, Self::Finish];

    /// The word that begins the item.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Step => "step",
            Self::Finish => "finish",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The role that was meant by a word that is not one: a slip of the pen, or a word other libraries use.
    pub(crate) fn guess(word: &str) -> Option<Self> {
        let slip = did_you_mean(word, Self::ALL.map(Self::word)).and_then(Self::from_word);
        slip.or(match word {
            "begin" | "source" | "from" | "producer" | "input" => Some(Self::Start),
            "stage" | "map" | "then" | "pipe" | "process" | "producer_consumer" => Some(Self::Step),
            "end" | "sink" | "into" | "consumer" | "output" => Some(Self::Finish),
            _ => None,
        })
    }
}

/// Words of the language that this version does not understand yet, and what to write until it does.
pub(crate) const NOT_YET: [(&str, &str); 4] = [
    ("broadcast", "write one pipeline per branch"),
    (
        "partition",
        "for order per key, give the next step several copies and a key: `step Recipe, count: 4, by: |event| event.key;`",
    ),
    ("merge", "write one `start` that yields the events of all sources"),
    ("through", "repeat the steps of the other pipeline here"),
];

/// The advice for a word that is not understood yet.
pub(crate) fn not_yet(word: &str) -> Option<&'static str> {
    NOT_YET.iter().find(|(known, _)| *known == word).map(|(_, advice)| *advice)
}

/// An option, of the pipeline or of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionWord {
    Name,
    Count,
    MinDemand,
    MaxDemand,
    Placement,
    By,
    Args,
}

impl OptionWord {
    /// What a whole pipeline takes: its name, and the defaults of its steps.
    pub(crate) const OF_PIPELINE: [Self; 5] =
        [Self::Name, Self::Count, Self::MinDemand, Self::MaxDemand, Self::Placement];
    /// What a `start` takes: it asks nobody for events.
    pub(crate) const OF_START: [Self; 4] = [Self::Args, Self::Name, Self::Count, Self::Placement];
    /// What a `step` or a `finish` takes.
    pub(crate) const OF_STEP: [Self; 7] =
        [Self::Args, Self::Name, Self::Count, Self::By, Self::MinDemand, Self::MaxDemand, Self::Placement];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Count => "count",
            Self::MinDemand => "min_demand",
            Self::MaxDemand => "max_demand",
            Self::Placement => "placement",
            Self::By => "by",
            Self::Args => "args",
        }
    }

    /// How it looks when it is right.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Name => "name: \"storage\"",
            Self::Count => "count: 4",
            Self::MinDemand => "min_demand: 1",
            Self::MaxDemand => "max_demand: 10",
            Self::Placement => "placement: blocking",
            Self::By => "by: |event| event.key",
            Self::Args => "args: [first, second]",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::OF_STEP.into_iter().find(|option| option.word() == word)
    }
}

/// The words of `options`, for a sentence: `` `name`, `count` and `by` ``.
pub(crate) fn sentence(options: &[OptionWord]) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("`{}`", option.word())).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
