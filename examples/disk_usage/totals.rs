//! What a part of the walk comes to, and how the parts are put together.

use std::collections::HashMap;
use std::hash::Hash;
use std::os::unix::fs::MetadataExt;

use flow::source::{Entry, WalkError};

use super::entry_facts::EntryFacts;
use super::usage::Usage;

/// The sums of a part of the walk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) all: Usage,
    pub(crate) directories: Usage,
    pub(crate) owners: HashMap<u32, Usage>,
    pub(crate) kinds: HashMap<String, Usage>,
    pub(crate) ages: HashMap<usize, Usage>,
    /// Files with several names, by file system and number: another part may have found another name, so they
    /// are summed at the end.
    links: HashMap<(u64, u64), EntryFacts>,
    pub(crate) problems: Vec<String>,
}

impl Totals {
    /// Adds what the walk found.
    pub(crate) fn add(&mut self, found: Result<Entry, WalkError>, now: i64) {
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => return self.problems.push(error.to_string()),
        };
        let facts = EntryFacts::of(&entry.path, &entry.metadata, now);
        if entry.metadata.is_dir() {
            self.directories += facts.usage;
        } else if entry.metadata.nlink() > 1 {
            return self.link((entry.metadata.dev(), entry.metadata.ino()), facts);
        }
        self.sum(facts);
    }

    /// Of the names of a file, the kind that comes first in the alphabet: it does not matter who found what.
    fn link(&mut self, file: (u64, u64), facts: EntryFacts) {
        let known = self.links.entry(file).or_insert_with(|| facts.clone());
        if facts.kind < known.kind {
            *known = facts;
        }
    }

    fn sum(&mut self, facts: EntryFacts) {
        let EntryFacts { owner, kind, age, usage } = facts;
        self.all += usage;
        *self.owners.entry(owner).or_default() += usage;
        *self.kinds.entry(kind).or_default() += usage;
        *self.ages.entry(age).or_default() += usage;
    }

    /// These and others.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.all += other.all;
        self.directories += other.directories;
        merge_into(&mut self.owners, other.owners);
        merge_into(&mut self.kinds, other.kinds);
        merge_into(&mut self.ages, other.ages);
        for (file, facts) in other.links {
            self.link(file, facts);
        }
        self.problems.extend(other.problems);
        self
    }

    /// Sums the files with several names; there are no more parts.
    pub(crate) fn whole(mut self) -> Self {
        for facts in std::mem::take(&mut self.links).into_values() {
            self.sum(facts);
        }
        self.problems.sort();
        self
    }
}

fn merge_into<K: Eq + Hash>(sums: &mut HashMap<K, Usage>, other: HashMap<K, Usage>) {
    for (key, usage) in other {
        *sums.entry(key).or_default() += usage;
    }
}
