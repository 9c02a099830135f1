//! Query with renoir: media and users in one stream, grouped with a partial fold, rows sorted at the end.
//!
//! With its left join of users with grouped media, renoir 0.6.0 panicked in one run here and hung in the next
//! (`BinaryStartReceiver::select`). Data between its stages must be serialisable, so users are sent as
//! indices.

use std::{ops::Range, sync::Arc};

use renoir::prelude::*;

use super::data::{Data, Media, Row, Usage};
use crate::{random::index, runtime::WORKERS};

/// The state of a user: its index, if there is such a user, and its usage.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, serde::Serialize)]
struct Known {
    place: Option<usize>,
    usage: Usage,
}

/// An event of the source.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Media(Media),
    User { id: u32, place: usize },
}

impl Entry {
    const fn user(&self) -> u32 {
        match self {
            Self::Media(media) => media.user,
            Self::User { id, .. } => *id,
        }
    }
}

impl Known {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Media(media) => self.usage.add(media),
            Entry::User { place, .. } => self.place = Some(place),
        }
    }

    fn merge(&mut self, other: Self) {
        self.place = self.place.or(other.place);
        self.usage += other.usage;
    }
}

pub(super) fn rows(data: &Data) -> Vec<Row> {
    let context = StreamContext::new(RuntimeConfig::local(WORKERS as u64).expect("two threads are legal"));
    let (media, users, of) = (Arc::clone(&data.media), Arc::clone(&data.users), Arc::clone(&data.users));
    let entries = move |worker: u64, workers: u64| {
        let (media_here, users_here) =
            (part(media.len(), worker, workers), part(users.len(), worker, workers));
        let media = media_here.map(move |place| Entry::Media(media[place]));
        media.chain(users_here.map(move |place| Entry::User { id: users[place].id, place }))
    };
    let rows = context
        .stream_par_iter(entries)
        .batch_mode(BatchMode::fixed(1024))
        .group_by_fold(Entry::user, Known::default(), Known::add, Known::merge)
        .drop_key()
        .filter_map(move |known| Some(Row::new(of[known.place?], known.usage)))
        .collect_vec();
    context.execute_blocking();
    let mut rows = rows.get().unwrap_or_default();
    rows.sort_unstable_by(Row::order);
    rows
}

/// Returns the range of one worker.
fn part(of: usize, worker: u64, workers: u64) -> Range<usize> {
    let each = of.div_ceil(index(workers));
    let first = of.min(index(worker) * each);
    first..of.min(first + each)
}
