//! Data of the query: media, users, and the rows of the answer.

use std::{
    cmp::{Ordering, Reverse},
    ops::AddAssign,
    sync::Arc,
};

use crate::random::{SplitMix, Zipf, index};

const USERS: usize = 100_000;

/// A file of a user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Media {
    pub(super) user: u32,
    pub(super) bytes: u64,
}

/// A user, with an address of the form `first_last@host`.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) address: &'static str,
}

/// The files of a user, and their bytes.
#[cfg_attr(feature = "renoir", derive(serde::Deserialize, serde::Serialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// The row of a user in the answer.
#[cfg_attr(feature = "renoir", derive(serde::Deserialize, serde::Serialize))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) user: u32,
    pub(super) name: String,
    pub(super) usage: Usage,
}

/// The input of the query.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) media: Arc<[Media]>,
    pub(super) users: Arc<[User]>,
}

impl Usage {
    /// Adds one more file.
    #[inline]
    pub(super) fn add(&mut self, media: Media) {
        self.files += 1;
        self.bytes += media.bytes;
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

impl Row {
    pub(super) fn new(user: User, usage: Usage) -> Self {
        Self { user: user.id, name: name(user.address), usage }
    }

    /// Orders rows by descending bytes.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| (Reverse(row.usage.bytes), row.user);
        key(self).cmp(&key(other))
    }
}

/// Derives a name from an address: `joe_doe@host` is Joe Doe.
fn name(address: &str) -> String {
    let words = address.split_once('@').map_or(address, |(name, _)| name);
    let mut name = String::with_capacity(words.len());
    for word in words.split('_') {
        if !name.is_empty() {
            name.push(' ');
        }
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

impl Data {
    /// Makes `media` media, and their users.
    pub(super) fn new(media: usize) -> Self {
        let mut random = SplitMix::seeded(7);
        let first = random.words(1000);
        let last = random.words(1000);
        let id = |number: usize| u32::try_from(number).expect("few users");
        let user = |number| {
            let first = &first[index(random.below(1000))];
            let last = &last[index(random.below(1000))];
            // Users live as long as the program, so no contender counts references to their addresses.
            User { id: id(number), address: Box::leak(format!("{first}_{last}@elixir.br").into_boxed_str()) }
        };
        let users = (0..USERS).map(user).collect();
        let (zipf, mut random) = (Zipf::new(USERS), SplitMix::seeded(11));
        let medium = |_| {
            let user = id(zipf.rank(&mut random) * 48_271 % USERS);
            Media { user, bytes: 1 + random.below(10_000_000) }
        };
        Self { users, media: (0..media).map(medium).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_address() {
        assert_eq!(name("joe_doe@elixir.br"), "Joe Doe");
        assert_eq!(name("x"), "X");
    }
}
