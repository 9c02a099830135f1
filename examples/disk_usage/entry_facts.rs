//! What is summed of an entry: whose it is, of what kind, how old, how large.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::usage::Usage;

const DAY: i64 = 24 * 60 * 60;

/// When something was changed last, seconds ago at most, and what that is called.
pub(crate) const AGES: [(i64, &str); 6] = [
    (DAY, "up to a day"),
    (7 * DAY, "up to a week"),
    (30 * DAY, "up to 30 days"),
    (365 * DAY, "up to a year"),
    (5 * 365 * DAY, "up to 5 years"),
    (i64::MAX, "older"),
];

/// The longest ending of a name that is taken for an extension, in bytes.
const LONGEST: usize = 12;

/// What is summed of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryFacts {
    pub(crate) owner: u32,
    /// The extension of a file in small letters; in parentheses what has none.
    pub(crate) kind: String,
    /// Which of [`AGES`].
    pub(crate) age: usize,
    pub(crate) usage: Usage,
}

impl EntryFacts {
    pub(crate) fn of(path: &Path, metadata: &Metadata, now: i64) -> Self {
        let seconds = now.saturating_sub(metadata.mtime());
        let age = AGES.iter().position(|(most, _)| seconds <= *most).unwrap_or(AGES.len() - 1);
        Self { owner: metadata.uid(), kind: kind(path, metadata), age, usage: Usage::of(metadata) }
    }
}

fn kind(path: &Path, metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return "(directory)".to_owned();
    }
    if kind.is_symlink() {
        return "(link)".to_owned();
    }
    if !kind.is_file() {
        return "(special)".to_owned();
    }
    // `1.2-beta` and `backup.20240501T1200` have no extension that a file would have in common with others.
    let usual = |text: &&str| {
        let word = |letter: char| letter.is_alphanumeric() || "_-+~".contains(letter);
        text.len() <= LONGEST && text.chars().all(word) && text.chars().any(char::is_alphabetic)
    };
    let extension = path.extension().and_then(|extension| extension.to_str()).filter(usual);
    extension.map_or_else(|| "(none)".to_owned(), |extension| format!(".{}", extension.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_what_files_have_in_common() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("a.RS", ".rs"),
            ("Makefile", "(none)"),
            (".hidden", "(none)"),
            ("b.tar.gz", ".gz"),
            ("v1.2", "(none)"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            let facts = EntryFacts::of(&path, &path.symlink_metadata().unwrap(), 0);
            assert_eq!((facts.kind.as_str(), facts.age), (expected, 0), "{name}");
        }
        let facts = EntryFacts::of(folder.path(), &folder.path().symlink_metadata().unwrap(), i64::MAX);
        assert_eq!((facts.kind.as_str(), facts.age), ("(directory)", AGES.len() - 1));
    }
}
