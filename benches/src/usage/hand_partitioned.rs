//! Query with hand-written partitions: two threads distribute media by user, two others own half of the users
//! each.
//!
//! Media are sent in batches of 1000 over channels, and the emptied batches return.

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustc_hash::FxHashMap;

use super::data::{Data, Media, Row, Usage};
use crate::runtime::WORKERS;

const BATCH: usize = 1000;
/// Number of batches that may wait for an owner.
const WAITING: usize = 16;

/// The channel to an owner, and the channel of its emptied batches.
#[derive(Clone)]
struct Owner {
    batches: Sender<Vec<Media>>,
    emptied: Receiver<Vec<Media>>,
}

pub(super) fn rows(data: &Data) -> Vec<Row> {
    let half = data.media.len().div_ceil(WORKERS).max(1);
    thread::scope(|scope| {
        let (mut to, mut owners) = (Vec::new(), Vec::new());
        for owner in 0..WORKERS {
            let (batches, taken) = bounded(WAITING);
            let (back, emptied) = unbounded();
            to.push(Owner { batches, emptied });
            owners.push(scope.spawn(move || own(data, owner, &taken, &back)));
        }
        for media in data.media.chunks(half) {
            let to: Vec<Owner> = to.clone();
            scope.spawn(move || deal(media, &to));
        }
        drop(to);
        let rows = owners.into_iter().map(|owner| owner.join().expect("an owner ends by itself"));
        rows.reduce(merge_sorted).unwrap_or_default()
    })
}

/// Returns the owner of the user.
fn owner_of(user: u32) -> usize {
    (user.wrapping_mul(0x9E37_79B9) >> 16) as usize % WORKERS
}

fn deal(media: &[Media], owners: &[Owner]) {
    let mut open: Vec<_> = owners.iter().map(|_| Vec::with_capacity(BATCH)).collect();
    for media in media {
        let owner = owner_of(media.user);
        open[owner].push(*media);
        if open[owner].len() == BATCH {
            let Owner { batches, emptied } = &owners[owner];
            let next = emptied.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
            let full = std::mem::replace(&mut open[owner], next);
            batches.send(full).expect("owners stay to the end");
        }
    }
    for (owner, rest) in owners.iter().zip(open) {
        owner.batches.send(rest).expect("owners stay to the end");
    }
}

/// Returns the rows of one owner's users, sorted.
fn own(data: &Data, owner: usize, batches: &Receiver<Vec<Media>>, emptied: &Sender<Vec<Media>>) -> Vec<Row> {
    let mut usages = FxHashMap::<u32, Usage>::default();
    for mut batch in batches {
        batch.drain(..).for_each(|media| usages.entry(media.user).or_default().add(media));
        // The distributing thread may have finished.
        emptied.send(batch).unwrap_or_default();
    }
    let mine = data.users.iter().filter(|user| owner_of(user.id) == owner);
    let mut rows: Vec<Row> =
        mine.map(|user| Row::new(*user, usages.get(&user.id).copied().unwrap_or_default())).collect();
    rows.sort_unstable_by(Row::order);
    rows
}

fn merge_sorted(one: Vec<Row>, other: Vec<Row>) -> Vec<Row> {
    let mut merged = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        let next = if left.order(right).is_lt() { one.next() } else { other.next() };
        merged.extend(next);
    }
    merged.extend(one);
    merged.extend(other);
    merged
}
