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

/// Returns whether there are frames although nothing waits for delivery or acknowledgement.
pub(super) async fn any(link: &Link, reader: &Reader) -> Result<bool, ConnectError> {
    let Some(before) = idle(link, reader).await? else { return Ok(false) };
    if frames(link, reader).await? == 0 {
        return Ok(false);
    }
    // A frame that was stored between the two calls is not one: it was delivered meanwhile, or waits.
    Ok(idle(link, reader).await? == Some(before))
}

/// Returns the number of deliveries of the consumer if nothing waits for delivery or acknowledgement.
async fn idle(link: &Link, reader: &Reader) -> Result<Option<u64>, ConnectError> {
    let ReadOptions { stream, consumer, .. } = &reader.options;
    let info = ask(link, reader, &format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({})).await?;
    let Some(info) = info else { return Ok(None) };
    let waiting = |name: &str| info[name].as_u64() != Some(0);
    if waiting("num_pending") || waiting("num_ack_pending") {
        return Ok(None);
    }
    Ok(info["delivered"]["consumer_seq"].as_u64())
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
        Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND => Ok(None),
        Err(error) => Err(error.at(&at, what)),
    }
}
