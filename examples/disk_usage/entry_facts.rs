//! The facts about an entry that are aggregated: owner, kind, age and size.

use std::borrow::Cow;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::usage::Usage;

const DAY: i64 = 24 * 60 * 60;

/// Age groups: the maximum seconds since the last change, and a label.
pub(crate) const AGES: [(i64, &str); 6] = [
    (DAY, "up to a day"),
    (7 * DAY, "up to a week"),
    (30 * DAY, "up to 30 days"),
    (365 * DAY, "up to a year"),
    (5 * 365 * DAY, "up to 5 years"),
    (i64::MAX, "older"),
];

/// Maximum length of an extension in bytes.
const LONGEST: usize = 12;

/// The aggregated facts of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryFacts<'a> {
    pub(crate) owner: u32,
    /// The extension of a file in lower case; a description in parentheses for entries without one.
    pub(crate) kind: Cow<'a, str>,
    /// Index into [`AGES`].
    pub(crate) age: usize,
    pub(crate) usage: Usage,
}

impl<'a> EntryFacts<'a> {
    pub(crate) fn of(path: &'a Path, metadata: &Metadata, now: i64) -> Self {
        let seconds = now.saturating_sub(metadata.mtime());
        let age = AGES.iter().position(|(most, _)| seconds <= *most).unwrap_or(AGES.len() - 1);
        Self { owner: metadata.uid(), kind: kind(path, metadata), age, usage: Usage::of(metadata) }
    }

    /// Returns an owned copy, which can outlive the path.
    pub(crate) fn kept(self) -> EntryFacts<'static> {
        let Self { owner, kind, age, usage } = self;
        EntryFacts { owner, kind: Cow::Owned(kind.into_owned()), age, usage }
    }
}

fn kind<'a>(path: &'a Path, metadata: &Metadata) -> Cow<'a, str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Cow::Borrowed("(directory)");
    }
    if kind.is_symlink() {
        return Cow::Borrowed("(link)");
    }
    if !kind.is_file() {
        return Cow::Borrowed("(special)");
    }
    match extension(path) {
        None => Cow::Borrowed("(none)"),
        Some(extension) if extension.chars().any(char::is_uppercase) => Cow::Owned(extension.to_lowercase()),
        Some(extension) => Cow::Borrowed(extension),
    }
}

/// Returns the part after the last dot of a name, with the dot, if it looks like an extension: `1.2-beta` and
/// `backup.20240501T1200` have none.
fn extension(path: &Path) -> Option<&str> {
    // Scan only the end of the path: parsing its components would cost more than all other work per entry.
    let bytes = path.as_os_str().as_bytes();
    let end = &bytes[bytes.len().saturating_sub(LONGEST + 1)..];
    let dot = end.iter().rposition(|byte| matches!(byte, b'.' | b'/')).filter(|dot| end[*dot] == b'.')?;
    let before = bytes.len() - (end.len() - dot);
    // A name whose only dot comes first is hidden, and has no extension.
    if before == 0 || bytes[before - 1] == b'/' {
        return None;
    }
    let word = |letter: char| letter.is_alphanumeric() || "_-+~".contains(letter);
    let extension = str::from_utf8(&end[dot..]).ok()?;
    let letters = &extension[1..];
    (letters.chars().all(word) && letters.chars().any(char::is_alphabetic)).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_grouped_by_extension() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("a.RS", ".rs"),
            ("Makefile", "(none)"),
            (".hidden", "(none)"),
            ("b.tar.gz", ".gz"),
            ("v1.2", "(none)"),
            ("a.tar.twelveletter", ".twelveletter"),
            ("a.thirteenchars", "(none)"),
            (".a.b", ".b"),
            ("ends.", "(none)"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            let facts = EntryFacts::of(&path, &path.symlink_metadata().unwrap(), 0);
            assert_eq!((&*facts.kind, facts.age), (expected, 0), "{name}");
        }
        let facts = EntryFacts::of(folder.path(), &folder.path().symlink_metadata().unwrap(), i64::MAX);
        assert_eq!((&*facts.kind, facts.age), ("(directory)", AGES.len() - 1));
    }
}
