//! Hashtags in text, by UAX #31 ("hashtag identifiers"), in all scripts.

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_ident::is_xid_continue;

/// The characters before a hashtag's name: `#` and its small and full-width forms.
const HASHES: [char; 3] = ['#', '\u{fe5f}', '\u{ff03}'];

/// Joiners within a word, as Persian and the scripts of India write them.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Returns whether a name can go on with this character; combining marks are among them.
fn continues(letter: char) -> bool {
    is_xid_continue(letter) || JOINERS.contains(&letter)
}

/// Returns the hashtags in a text, in one form for all spellings that look the same, sorted and without duplicates.
///
/// The number of an HTML entity and the fragment of an address are no hashtags, and neither is a `#` within a word.
pub(crate) fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<_> =
        text.split_whitespace().filter(|word| word.contains(HASHES)).flat_map(in_word).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// Returns the one hashtag that a text consists of.
pub(crate) fn hashtag(text: &str) -> Option<String> {
    let name = text.strip_prefix(HASHES)?;
    if name.chars().all(continues) { normal(name) } else { None }
}

/// Returns the hashtags in a text without white space.
fn in_word(word: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for (at, hash) in word.match_indices(HASHES) {
        let (before, after) = (&word[..at], &word[at + hash.len()..]);
        let end = after.find(|letter| !continues(letter)).unwrap_or(after.len());
        let is_within = before.chars().next_back().is_some_and(continues);
        if !is_within && !is_entity(before, &after[..end], &after[end..]) && !is_address(before) {
            tags.extend(normal(&after[..end]));
        }
    }
    tags
}

/// Returns whether `&#39;` or `&#x27;` surrounds this name.
fn is_entity(before: &str, name: &str, after: &str) -> bool {
    let decimal = || !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_digit());
    let hexadecimal = || {
        name.strip_prefix(['x', 'X'])
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    before.ends_with('&') && after.starts_with(';') && (decimal() || hexadecimal())
}

/// Returns whether the part of a word before a `#` is an address, whose fragment follows: with a scheme, or with the name
/// of a host and a path.
fn is_address(before: &str) -> bool {
    let bare = before.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let is_host = |host: &str| {
        let mut labels = host.split('.');
        host.contains('.') && labels.all(|label| label.chars().next_back().is_some_and(continues))
    };
    bare.contains("://")
        || bare.starts_with("www.")
        || bare.split_once('/').is_some_and(|(host, _)| is_host(host))
}

/// Returns a hashtag in lower case and composed characters; `None` without a letter, digit or symbol of its own.
fn normal(name: &str) -> Option<String> {
    if !name.chars().any(char::is_alphanumeric) {
        return None;
    }
    let name = ComposingNormalizerBorrowed::new_nfkc().normalize(name).to_lowercase();
    let name = ComposingNormalizerBorrowed::new_nfc().normalize(&name).into_owned();
    Some(format!("#{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_words_behind_a_hash_and_count_once() {
        assert_eq!(
            hashtags("I like #Rust, #rust and #elixir_lang! # ##go (#a)#b #c/#d"),
            ["#a", "#b", "#c", "#d", "#elixir_lang", "#go", "#rust"]
        );
        assert_eq!(hashtags("# #! #_ C# a#b"), Vec::<String>::new());
    }

    #[test]
    fn hashtags_are_of_all_scripts() {
        for tag in [
            "#日本語",
            "#한국어",
            "#русский",
            "#ελληνικά",
            "#العربية",
            "#עברית",
            "#हिन्दी",
            "#ไทย",
            "#தமிழ்",
            "#2026",
            "#café",
        ] {
            assert_eq!(hashtags(&format!("see {tag}, {tag}!")), [tag], "{tag}");
            assert_eq!(hashtag(tag).as_deref(), Some(tag));
        }
        assert_eq!(hashtags("#می\u{200c}خواهم"), ["#می\u{200c}خواهم"]);
        assert_eq!(hashtags("＃タグ ﹟tag"), ["#tag", "#タグ"]);
    }

    #[test]
    fn spellings_that_look_the_same_are_one_hashtag() {
        let (composed, combining) = ("#Caf\u{e9}", "#cafe\u{301}");
        assert_eq!(hashtags(&format!("{composed} {combining} #ＣＡＦÉ")), ["#caf\u{e9}"]);
        assert_eq!(hashtags("#ΌΣΟΣ #Straße"), ["#straße", "#όσος"]);
    }

    #[test]
    fn entities_and_fragments_of_addresses_are_no_hashtags() {
        for text in [
            "it&#39;s &#x27;so&#X27;",
            "http://x/#frag",
            "https://example.org/page?q=1#part,#other",
            "(see https://example.org/#top)",
            "www.example.org/#top",
            "example.org/docs/#install",
            "example.org#top",
        ] {
            assert_eq!(hashtags(text), Vec::<String>::new(), "{text}");
        }
        // Similar, and yet hashtags.
        assert_eq!(hashtags("rock&#roll &#39 /#and !!!#more"), ["#39", "#and", "#more", "#roll"]);
    }
}
