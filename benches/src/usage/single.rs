//! Query on one thread: a map, a loop over the users, a sort.

use rustc_hash::FxHashMap;

use super::data::{Data, Row, Usage, User};

pub(super) fn rows(data: &Data) -> Vec<Row> {
    let mut usages = FxHashMap::<u32, Usage>::default();
    for media in &*data.media {
        usages.entry(media.user).or_default().add(*media);
    }
    let row = |user: &User| Row::new(*user, usages.get(&user.id).copied().unwrap_or_default());
    let mut rows: Vec<Row> = data.users.iter().map(row).collect();
    rows.sort_unstable_by(Row::order);
    rows
}
