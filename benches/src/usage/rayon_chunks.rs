//! Query with rayon: chunks folded into maps, the maps merged, users and sort in parallel.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::data::{Data, Row, Usage, User};
use crate::runtime::WORKERS;

type Usages = FxHashMap<u32, Usage>;

pub(super) fn rows(data: &Data) -> Vec<Row> {
    // As many chunks as threads: each additional map costs more to merge than work stealing would save.
    let chunk = data.media.len().div_ceil(WORKERS).max(1);
    let usages = data
        .media
        .par_chunks(chunk)
        .map(|media| {
            let mut usages = Usages::default();
            for media in media {
                usages.entry(media.user).or_default().add(*media);
            }
            usages
        })
        .reduce(Usages::default, merge);
    let row = |user: &User| Row::new(*user, usages.get(&user.id).copied().unwrap_or_default());
    let mut rows: Vec<Row> = data.users.par_iter().map(row).collect();
    rows.par_sort_unstable_by(Row::order);
    rows
}

/// Merges the smaller map into the larger one.
fn merge(one: Usages, other: Usages) -> Usages {
    let (mut all, few) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (user, usage) in few {
        *all.entry(user).or_default() += usage;
    }
    all
}
