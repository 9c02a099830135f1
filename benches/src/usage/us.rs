//! How do we write it? Media combined by user, users joined with that, rows sorted.

use std::sync::Arc;

use flow::{Flow, FlowError, join::LeftOuter};

use super::data::{Data, Media, Row, Usage, User};

pub(super) async fn rows(data: &Data) -> Result<Vec<Row>, FlowError> {
    let usages = Flow::from_slice(Arc::clone(&data.media)).combine_by(
        |media: &Media| media.user,
        Usage::default,
        Usage::add,
        |usage, other| *usage += other,
    );
    Flow::from_slice(Arc::clone(&data.users))
        .bounded_join(LeftOuter, usages, |user: &User| user.id, |(user, _)| *user)
        .map(|(user, usage)| Row::new(user, usage.map(|(_, usage)| usage).unwrap_or_default()))
        .sort(Row::order)
        .collect()
        .await
}
