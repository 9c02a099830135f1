//! How would a renoir user write it? Media grouped and folded by user, users joined with that, rows sorted in the end.
//!
//! What goes between its stages must be serialisable, so users go as numbers of their places.

use std::{ops::Range, sync::Arc};

use renoir::prelude::*;

use super::data::{Data, Row, Usage};
use crate::{random::index, runtime::WORKERS};

pub(super) fn rows(data: &Data) -> Vec<Row> {
    let context = StreamContext::new(RuntimeConfig::local(WORKERS as u64).expect("two threads are legal"));
    let media = Arc::clone(&data.media);
    let usages = context
        .stream_par_iter(move |worker: u64, workers: u64| {
            let part = part(media.len(), worker, workers);
            part.map(move |place| media[place])
        })
        .batch_mode(BatchMode::fixed(1024))
        .group_by_fold(|media| media.user, Usage::default(), Usage::add, |usage, other| *usage += other);
    let (places, users, of) = (data.users.len(), Arc::clone(&data.users), Arc::clone(&data.users));
    let rows = context
        .stream_par_iter(move |worker: u64, workers: u64| part(places, worker, workers))
        .batch_mode(BatchMode::fixed(1024))
        .left_join(usages.unkey(), move |place| users[*place].id, |(user, _)| *user)
        .map(move |(_, (place, usage))| {
            Row::new(of[place], usage.map(|(_, usage)| usage).unwrap_or_default())
        })
        .drop_key()
        .collect_channel_parallel();
    context.execute_blocking();
    let mut rows: Vec<Row> = rows.into_iter().collect();
    rows.sort_unstable_by(Row::order);
    rows
}

/// The part of so many that one of the workers has.
fn part(of: usize, worker: u64, workers: u64) -> Range<usize> {
    let each = of.div_ceil(index(workers));
    let first = of.min(index(worker) * each);
    first..of.min(first + each)
}
