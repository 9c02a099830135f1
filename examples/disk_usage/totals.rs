//! The sums of a part of the walk, and their merging.

use std::hash::Hash;
use std::os::unix::fs::MetadataExt;

use flow::source::{Entry, WalkError};
use rustc_hash::FxHashMap;

use super::entry_facts::{AGES, EntryFacts};
use super::usage::Usage;

/// The sums of a part of the walk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) all: Usage,
    pub(crate) directories: Usage,
    pub(crate) owners: FxHashMap<u32, Usage>,
    pub(crate) kinds: FxHashMap<String, Usage>,
    /// Indexed like [`AGES`].
    pub(crate) ages: [Usage; AGES.len()],
    /// Files with several hard links, by device and inode. Another part may have found another name, so they
    /// are summed at the end.
    links: FxHashMap<(u64, u64), EntryFacts<'static>>,
    pub(crate) problems: Vec<String>,
}

impl Totals {
    /// Adds one result of the walk.
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

    /// Records a name of a file with several ones. The alphabetically first kind wins, so the result does not
    /// depend on which part found which name.
    fn link(&mut self, file: (u64, u64), facts: EntryFacts<'_>) {
        match self.links.get_mut(&file) {
            Some(known) if known.kind <= facts.kind => {}
            Some(known) => *known = facts.kept(),
            None => {
                self.links.insert(file, facts.kept());
            }
        }
    }

    fn sum(&mut self, facts: EntryFacts<'_>) {
        let EntryFacts { owner, kind, age, usage } = facts;
        self.all += usage;
        *self.owners.entry(owner).or_default() += usage;
        self.ages[age] += usage;
        // New kinds are rare.
        match self.kinds.get_mut(&*kind) {
            Some(known) => *known += usage,
            None => {
                self.kinds.insert(kind.into_owned(), usage);
            }
        }
    }

    /// Merges the sums of two parts.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.all += other.all;
        self.directories += other.directories;
        merge_into(&mut self.owners, other.owners);
        merge_into(&mut self.kinds, other.kinds);
        for (age, other) in self.ages.iter_mut().zip(other.ages) {
            *age += other;
        }
        for (file, facts) in other.links {
            self.link(file, facts);
        }
        self.problems.extend(other.problems);
        self
    }

    /// Adds the files with several names; call it once all parts are merged.
    pub(crate) fn whole(mut self) -> Self {
        for facts in std::mem::take(&mut self.links).into_values() {
            self.sum(facts);
        }
        self.problems.sort();
        self
    }
}

fn merge_into<K: Eq + Hash>(sums: &mut FxHashMap<K, Usage>, other: FxHashMap<K, Usage>) {
    for (key, usage) in other {
        *sums.entry(key).or_default() += usage;
    }
}
