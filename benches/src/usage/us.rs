//! How do we write it? A row made of each user, media folded by user and looked up for the rows, which are ranked.

use std::{ops::AddAssign, sync::Arc};

use flow::{Flow, FlowError, reduce::Partials};

use super::data::{Data, Media, Row, Usage, User};

pub(super) async fn rows(data: &Data) -> Result<Vec<Row>, FlowError> {
    let usages = Flow::from_slice(Arc::clone(&data.media))
        .combining(|usages: &mut Partials<u32, Usage>, media: Media| usages.of(media.user).add(media));
    // Users lie side by side in memory here, and not any more when they have been dealt out.
    let users = Flow::from_slice(Arc::clone(&data.users)).map(|user: User| Row::new(user, Usage::default()));
    let ranked = usages
        .merged_for(users, |row| row.user, Usage::add_assign)
        // Every user, with or without media, and no media of nobody.
        .map(|(row, usage)| Row { usage: usage.unwrap_or_default(), ..row })
        .take_sort(usize::MAX, Row::order);
    Ok(ranked.collect::<Vec<_>>().await?.pop().unwrap_or_default())
}
