//! An entry of the feed: a time and a text.

use super::tags::hashtags;

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Milliseconds since the feed began, or since 1970 where a service receives it.
    pub(crate) at: i64,
    pub(crate) text: String,
}

impl Entry {
    /// Parses `milliseconds text`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (at, text) = line.split_once(' ')?;
        Some(Self { at: at.parse().ok()?, text: text.to_owned() })
    }

    /// Returns the hashtags in the text, without duplicates.
    pub(crate) fn hashtags(&self) -> Vec<String> {
        hashtags(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_time_and_a_text() {
        let entry = Entry::parse("1500 I like #Rust").unwrap();
        assert_eq!((entry.at, entry.hashtags()), (1500, vec!["#rust".into()]));
        assert_eq!((Entry::parse("now #rust"), Entry::parse("")), (None, None));
    }
}
