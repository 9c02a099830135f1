//! An entry of the feed: a time and a text.

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Milliseconds since the feed began.
    pub(crate) at: i64,
    pub(crate) text: String,
}

impl Entry {
    /// Parses `milliseconds text`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (at, text) = line.split_once(' ')?;
        Some(Self { at: at.parse().ok()?, text: text.to_owned() })
    }

    /// Returns the hashtags in the text, in lower case and without duplicates.
    pub(crate) fn hashtags(&self) -> Vec<String> {
        let name = |word: &str| {
            let end = word.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            word[..end.unwrap_or(word.len())].to_lowercase()
        };
        let names = self.text.split('#').skip(1).map(name).filter(|name| !name.is_empty());
        let mut tags: Vec<_> = names.map(|name| format!("#{name}")).collect();
        tags.sort();
        tags.dedup();
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_words_behind_a_hash_and_count_once() {
        let entry = Entry::parse("1500 I like #Rust, #rust and #elixir_lang! # ##go").unwrap();
        assert_eq!(
            (entry.at, entry.hashtags()),
            (1500, vec!["#elixir_lang".into(), "#go".into(), "#rust".into()])
        );
        assert_eq!((Entry::parse("now #rust"), Entry::parse("")), (None, None));
    }
}
