//! Query of this project: each user becomes a row, media are folded by user and looked up for the rows, which
//! are ranked.

use std::{ops::AddAssign, sync::Arc};

use flow::{Flow, FlowError, Partials};

use super::data::{Data, Media, Row, Usage, User};

pub(super) async fn rows(data: &Data) -> Result<Vec<Row>, FlowError> {
    let usages = Flow::from_slice(Arc::clone(&data.media))
        .combining(|usages: &mut Partials<u32, Usage>, media: Media| usages.of(media.user).add(media));
    // Here the users are adjacent in memory, but no longer after they have been distributed.
    let users = Flow::from_slice(Arc::clone(&data.users)).map(|user: User| Row::new(user, Usage::default()));
    let ranked = usages
        .merged_for(users, |row| row.user, Usage::add_assign)
        // Every user, with or without media, and no media without a user.
        .map(|(row, usage)| Row { usage: usage.unwrap_or_default(), ..row })
        .take_sort(usize::MAX, Row::order);
    Ok(ranked.collect::<Vec<_>>().await?.pop().unwrap_or_default())
}
