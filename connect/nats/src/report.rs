//! Reports on deliveries, each confirmed by the server.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::ApiError;
use crate::inbox::{Answer, Asked, Inbox};
use crate::link::{PATIENCE, Unanswered};
use crate::options::ReadOptions;

/// The first wait for a confirmation, before the server is asked whether it knows the deliveries. Later ones are twice as long
/// each, for a network that is slow.
const SOON: Duration = Duration::from_millis(250);

/// The fate of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    Confirmed,
    /// Nothing listens: the consumer is starting, or was deleted.
    Unheard,
}

/// Sends reports on deliveries of a consumer until each is confirmed or void.
///
/// A server that is killed forgets the deliveries of its last second. One of version 2.9 answers a report on such a
/// delivery, a later one is silent. It delivers the message again, so the report is void.
pub(crate) async fn report(
    inbox: &mut Inbox,
    options: &ReadOptions,
    reports: Vec<Asked>,
) -> Result<Reported, Unanswered> {
    let ReadOptions { stream, consumer, .. } = options;
    let begun = Instant::now();
    let (mut open, mut wait) = (reports, SOON);
    loop {
        let answers = inbox.ask_within(open.clone(), wait).await?;
        wait *= 2;
        let mut silent = Vec::new();
        for (report, answer) in open.into_iter().zip(answers) {
            match answer {
                Some(Answer::Message(_)) => {}
                Some(Answer::NoResponders) => return Ok(Reported::Unheard),
                None => silent.push(report),
            }
        }
        if silent.is_empty() {
            return Ok(Reported::Confirmed);
        }
        match inbox.link.consumer_info(stream, consumer).await? {
            Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND => return Ok(Reported::Unheard),
            // A delivery that is known counts until its report has arrived.
            Ok(info) if info["num_ack_pending"] == 0 || begun.elapsed() >= PATIENCE => {
                tracing::warn!(
                    stream,
                    consumer,
                    count = silent.len(),
                    "the server does not know deliveries any more"
                );
                return Ok(Reported::Confirmed);
            }
            Ok(_) | Err(_) => open = silent,
        }
    }
}
