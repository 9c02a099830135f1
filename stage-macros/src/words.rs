//! Words of the language, each with its form.

use crate::suggest::did_you_mean;

/// The role of an item that has a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The source of events.
    Start,
    /// A step that events pass through.
    Step,
    /// An extension of the previous step within the same stage.
    Then,
    /// Like `Then`, at the end of the stage's events.
    ThenFinish,
    /// Another pipeline that events pass through.
    Through,
    /// An edge to other processes.
    Across,
    /// The end of events.
    Finish,
}

impl Role {
    /// The roles that have a word of their own.
    pub(crate) const ALL: [Self; 6] =
        [Self::Start, Self::Step, Self::Then, Self::Through, Self::Across, Self::Finish];

    /// Returns the first word of the item, or its two words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Step => "step",
            Self::Then => "then",
            Self::ThenFinish => "then finish",
            Self::Through => "through",
            Self::Across => "across",
            Self::Finish => "finish",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Returns the role that a misspelled word, or a word of other libraries, most likely means.
    pub(crate) fn guess(word: &str) -> Option<Self> {
        let slip = did_you_mean(word, item_words()).map(Self::from_word);
        slip.unwrap_or(match word {
            "begin" | "source" | "from" | "producer" | "input" => Some(Self::Start),
            "stage" | "map" | "pipe" | "process" | "producer_consumer" => Some(Self::Step),
            "end" | "sink" | "into" | "consumer" | "output" => Some(Self::Finish),
            "fuse" => Some(Self::Then),
            "edge" | "cross" | "exchange" => Some(Self::Across),
            _ => None,
        })
    }

    /// Describes the recipe of this item, for a message.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Start => "start Name::new(…)",
            Self::Step => "step Name::new(…)",
            Self::Then => "then |event| …",
            Self::ThenFinish => "then finish Name::new(…)",
            Self::Through => "through Other::new(…)",
            Self::Across => "across edge, name: \"orders\"",
            Self::Finish => "finish Name::new(…)",
        }
    }
}

/// The word in front of the function of a step, for the number of events that it emits for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Emits {
    /// No word: one event.
    #[default]
    One,
    /// The event itself, if the function returns `true`.
    Filter,
    /// The event in an `Option`.
    Some,
    /// The events of a collection.
    Many,
}

impl Emits {
    const WORDS: [(Self, &'static str, &'static str); 3] = [
        (Self::Filter, "filter", "step filter |event| event.is_new()"),
        (Self::Some, "some", "step some |event| event.reply()"),
        (Self::Many, "many", "step many |event| event.into_parts()"),
    ];

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(_, known, _)| *known == word).map(|(emits, ..)| emits)
    }

    /// Returns the word, which is empty for a function that emits one event.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.into_iter().find(|(emits, ..)| *emits == self).map_or("", |(_, word, _)| word)
    }

    /// Returns an example of a step with the word.
    pub(crate) fn example(self) -> &'static str {
        Self::WORDS
            .into_iter()
            .find(|(emits, ..)| *emits == self)
            .map_or("step |event| …", |(.., example)| example)
    }

    /// Returns the kind that a misspelled word, or a word of other libraries, most likely means.
    pub(crate) fn guess(word: &str) -> Option<Self> {
        let slip = did_you_mean(word, Self::WORDS.into_iter().map(|(_, word, _)| word));
        slip.and_then(Self::from_word).or(match word {
            "retain" | "reject" => Some(Self::Filter),
            "filter_map" | "map_some" | "option" => Some(Self::Some),
            "flat_map" | "flatten" | "map_concat" | "expand" => Some(Self::Many),
            _ => None,
        })
    }
}

/// The kind of an item that opens or merges branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Junction {
    Broadcast,
    Partition,
    Merge,
}

impl Junction {
    pub(crate) const ALL: [Self; 3] = [Self::Broadcast, Self::Partition, Self::Merge];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Partition => "partition",
            Self::Merge => "merge",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|junction| junction.word() == word)
    }

    /// Returns the junction that a misspelled word most likely means.
    pub(crate) fn guess(word: &str) -> Option<Self> {
        let slip = did_you_mean(word, item_words()).map(Self::from_word);
        slip.unwrap_or(match word {
            "branch" | "branches" | "fork" | "split" | "tee" | "fan_out" => Some(Self::Broadcast),
            "shard" | "group_by" | "partition_by" | "key_by" => Some(Self::Partition),
            "join" | "union" | "fan_in" | "collect" => Some(Self::Merge),
            _ => None,
        })
    }

    /// Returns an example.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast { … } and { … }",
            Self::Partition => "partition by |event| event.key, into 4 { … }",
            Self::Merge => "merge;",
        }
    }
}

/// Returns every word that an item begins with.
pub(crate) fn item_words() -> impl Iterator<Item = &'static str> {
    Role::ALL.into_iter().map(Role::word).chain(Junction::ALL.into_iter().map(Junction::word))
}

/// Lists some words for a sentence.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>, joined_by: &str) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {joined_by} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
