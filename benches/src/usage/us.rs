//! How do we write it? Media and users combined by user, rows made of both, and ranked.

use std::sync::Arc;

use flow::{Flow, FlowError, reduce::Partials};

use super::data::{Data, Media, Row, Usage, User};

/// What is known of a user: who it is, if there is such a user, and what is used.
#[derive(Clone, Copy, Default)]
struct Known {
    user: Option<User>,
    usage: Usage,
}

impl Known {
    fn merge(&mut self, other: Self) {
        self.user = self.user.or(other.user);
        self.usage += other.usage;
    }
}

pub(super) async fn rows(data: &Data) -> Result<Vec<Row>, FlowError> {
    let media = Flow::from_slice(Arc::clone(&data.media))
        .combining(|known: &mut Partials<u32, Known>, media: Media| known.of(media.user).usage.add(media));
    let users = Flow::from_slice(Arc::clone(&data.users))
        .combining(|known: &mut Partials<u32, Known>, user: User| known.of(user.id).user = Some(user));
    let ranked = users
        .and(media)
        .merged(Known::merge)
        // Every user, with or without media, and no media of nobody.
        .filter_map(|(_, Known { user, usage })| Some(Row::new(user?, usage)))
        .take_sort(usize::MAX, Row::order);
    Ok(ranked.collect::<Vec<_>>().await?.pop().unwrap_or_default())
}
