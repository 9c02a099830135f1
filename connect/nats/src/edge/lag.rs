//! The frames that wait in each partition.

use std::time::{Duration, SystemTime};

use async_nats::datetime::parse_rfc3339;
use async_nats::{HeaderMap, StatusCode};
use serde_json::json;
use stage_connect::ConnectError;
use stage_edge::{EdgeSpec, Lag, Partition};

use super::line::Line;
use super::names::Names;
use crate::inbox::{Answer, Asked, Inbox};

/// Returns the lag of each partition. The server counts frames by subject, and bytes only for the whole stream, so the bytes
/// of a partition are those of frames of mean size. The oldest frame of each partition is read for its age.
pub(super) async fn lag(connection: &Line, spec: &EdgeSpec, at: &str) -> Result<Vec<Lag>, ConnectError> {
    let what = "cannot ask for the lag";
    let names = Names::of(spec);
    let link = connection.link().await?;
    let body = json!({ "subjects_filter": names.subjects() });
    let info = link.api(&format!("STREAM.INFO.{}", names.stream()), &body).await;
    let info = info.map_err(|error| error.at(at, what))?.map_err(|error| error.at(at, what))?;
    let state = &info["state"];
    let count = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    let mean = count(&state["bytes"]).checked_div(count(&state["messages"])).unwrap_or_default();
    let subjects: Vec<_> = (0..spec.entrances()).map(|number| names.subject(Partition(number))).collect();
    let frames: Vec<_> = subjects.iter().map(|subject| count(&state["subjects"][subject])).collect();
    let get = format!("{}.DIRECT.GET.{}", link.prefix, names.stream());
    let waiting = subjects.iter().zip(&frames).filter(|(_, frames)| **frames > 0);
    let asked = waiting.map(|(subject, _)| Asked {
        subject: get.clone(),
        headers: HeaderMap::new(),
        payload: json!({ "seq": 1, "next_by_subj": subject }).to_string().into(),
    });
    let mut inbox = Inbox::open(&link).await.map_err(|error| error.at(at, what))?;
    let mut oldest = inbox.ask(asked.collect()).await.map_err(|error| error.at(at, what))?.into_iter();
    let now = SystemTime::now();
    let lag = frames.into_iter().map(|frames| {
        let oldest = if frames > 0 { oldest.next() } else { None };
        Lag { frames, bytes: frames * mean, oldest: oldest.and_then(|answer| age(&answer, now)) }
    });
    Ok(lag.collect())
}

/// Returns the age of the message in an answer; `None` if it was accepted meanwhile.
fn age(answer: &Answer, now: SystemTime) -> Option<Duration> {
    let Answer::Message(message) = answer else { return None };
    if message.status.is_some_and(|status| status != StatusCode::OK) {
        return None;
    }
    let stored = message.headers.as_ref()?.get("Nats-Time-Stamp")?.as_str();
    // Clocks of two machines differ: a frame of the future is new.
    Some(now.duration_since(SystemTime::from(parse_rfc3339(stored).ok()?)).unwrap_or_default())
}
