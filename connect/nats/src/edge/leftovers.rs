//! Frames that were acknowledged and are in the stream again.
//!
//! A server of one replica that is killed may forget that it removed a frame, and not that its consumer has acknowledged it.
//! That consumer does not deliver the frame again, so it takes the room of another one without end. A new consumer delivers
//! it.

use serde_json::{Value, json};
use stage_connect::ConnectError;

use super::reader::Reader;
use crate::error::ApiError;
use crate::link::Link;
use crate::options::ReadOptions;

/// The result of a look for such frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Some,
    None,
    /// Frames wait for delivery or acknowledgement; others may lie behind them.
    Unknown {
        /// The first frame, if the consumer has acknowledged all up to it. It may be about to be removed.
        acknowledged: Option<u64>,
    },
}

/// Looks for frames although nothing waits for delivery or acknowledgement, or for the acknowledged frame that the look
/// before found. A consumer of a server of version 2.9 may wait for an acknowledgement for ever.
pub(super) async fn look(
    link: &Link,
    reader: &Reader,
    acknowledged: Option<u64>,
) -> Result<Found, ConnectError> {
    let unknown = Found::Unknown { acknowledged: None };
    let Some(before) = progress(link, reader).await? else { return Ok(unknown) };
    if !before.is_idle {
        let Some(first) = first_frame(link, reader).await? else { return Ok(Found::None) };
        let first = Some(first).filter(|first| *first <= before.acknowledged);
        let is_left = first.is_some() && first == acknowledged;
        return Ok(if is_left { Found::Some } else { Found::Unknown { acknowledged: first } });
    }
    if frames(link, reader).await? == 0 {
        return Ok(Found::None);
    }
    // A frame that was stored between the two calls is not one: it was delivered meanwhile, or waits.
    Ok(if progress(link, reader).await? == Some(before) { Found::Some } else { unknown })
}

/// The progress of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    deliveries: u64,
    /// All frames up to this place in the stream are acknowledged.
    acknowledged: u64,
    /// Whether nothing waits for delivery or acknowledgement.
    is_idle: bool,
}

async fn progress(link: &Link, reader: &Reader) -> Result<Option<Progress>, ConnectError> {
    let ReadOptions { stream, consumer, .. } = &reader.options;
    let info = ask(link, reader, &format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({})).await?;
    Ok(info.and_then(|info| {
        let is_zero = |name: &str| info[name].as_u64() == Some(0);
        Some(Progress {
            deliveries: info["delivered"]["consumer_seq"].as_u64()?,
            acknowledged: info["ack_floor"]["stream_seq"].as_u64()?,
            is_idle: is_zero("num_pending") && is_zero("num_ack_pending"),
        })
    }))
}

/// Returns the place of the first frame.
async fn first_frame(link: &Link, reader: &Reader) -> Result<Option<u64>, ConnectError> {
    let ReadOptions { stream, filter, .. } = &reader.options;
    let body = json!({ "seq": 1, "next_by_subj": filter });
    let found = ask(link, reader, &format!("STREAM.MSG.GET.{stream}"), &body).await?;
    Ok(found.and_then(|found| found["message"]["seq"].as_u64()))
}

async fn frames(link: &Link, reader: &Reader) -> Result<u64, ConnectError> {
    let ReadOptions { stream, filter, .. } = &reader.options;
    let body = json!({ "subjects_filter": filter });
    let info = ask(link, reader, &format!("STREAM.INFO.{stream}"), &body).await?.unwrap_or_default();
    let subject = filter.as_deref().unwrap_or_default();
    Ok(info["state"]["subjects"][subject].as_u64().unwrap_or_default())
}

async fn ask(link: &Link, reader: &Reader, call: &str, body: &Value) -> Result<Option<Value>, ConnectError> {
    let (at, what) = (reader.describe(), "cannot look for frames that were left over");
    match link.api(call, body).await.map_err(|error| error.at(&at, what))? {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND || error.is_no_message() => Ok(None),
        Err(error) => Err(error.at(&at, what)),
    }
}
