//! Words that a stage attribute takes.

use super::Kind;

/// The shape of one call: its input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// One event.
    #[default]
    One,
    /// A whole batch; for a producer, a demand.
    Batch,
    /// One event in, any number out; for a producer, any number at a time.
    Many,
    /// One event in, one or none out; for a producer, one or the end.
    Optional,
}

/// A word in the parentheses of the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Shape(Shape),
    Result,
    Single,
    CancelSafe,
    Name,
    Args,
}

impl Word {
    const ALL: [(&'static str, Self); 8] = [
        ("batch", Self::Shape(Shape::Batch)),
        ("many", Self::Shape(Shape::Many)),
        ("option", Self::Shape(Shape::Optional)),
        ("result", Self::Result),
        ("single", Self::Single),
        ("cancel_safe", Self::CancelSafe),
        ("name", Self::Name),
        ("args", Self::Args),
    ];

    pub(super) fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(word, value)| (word == text).then_some(value))
    }

    /// Returns all words, as candidates for a misspelled one.
    pub(super) fn texts() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(text, _)| text)
    }

    /// Returns the reason for which a stage of this kind does not take the word; `None` if it does.
    pub(super) fn refused(self, kind: Kind) -> Option<&'static str> {
        match (self, kind) {
            (Self::Shape(Shape::Many | Shape::Optional), Kind::Consumer) => {
                Some("a consumer emits nothing; it takes `batch` and `result`")
            }
            (Self::Single | Self::CancelSafe, Kind::ProducerConsumer | Kind::Consumer) => {
                Some("it is for producers only; remove it")
            }
            _ => None,
        }
    }
}
