//! The consumer of a partition under one epoch.

use serde_json::json;
use stage_connect::ConnectError;
use stage_edge::{Epoch, Partition};

use super::names::Names;
use super::reader::Reader;
use crate::api;
use crate::error::ApiError;
use crate::link::Link;
use crate::options::ReadOptions;

/// The number of attempts to replace the consumer of an earlier epoch whose process creates it again.
const ATTEMPTS: usize = 5;

/// Whether this inlet had a consumer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    First,
    Again,
}

/// Makes the consumer of this epoch the only one of the partition.
///
/// A new consumer begins with the oldest frame in the partition, so it delivers a frame again that was lost on its way.
/// The consumer is kept while a frame is in hand.
pub(super) async fn open(
    link: &Link,
    reader: &Reader,
    partition: Partition,
    epoch: Epoch,
    before: Before,
) -> Result<(), ConnectError> {
    let (at, what) = (reader.describe(), "cannot open the consumer");
    let ReadOptions { stream, consumer, .. } = &reader.options;
    for _ in 0..ATTEMPTS {
        let mut exists = false;
        for name in consumers(link, reader, before).await? {
            match Names::epoch(&name, partition) {
                Some(other) if other > epoch => return Err(reader.fenced()),
                Some(other) if other == epoch && reader.in_hand() > 0 => exists = true,
                Some(_) => delete(link, reader, &name).await?,
                None => {}
            }
        }
        if exists {
            return Ok(());
        }
        if reader.in_hand() > 0 {
            return Err(ConnectError::fenced(at, "the consumer was deleted"));
        }
        let create = format!("CONSUMER.DURABLE.CREATE.{stream}.{consumer}");
        let created = link.api(&create, &api::consumer(&reader.options)).await;
        match created.map_err(|error| error.at(&at, what))? {
            Ok(info) => {
                let differences = api::differences(&info, &reader.options);
                if differences.is_empty() {
                    return Ok(());
                }
                let wrong = format!("the server changed the consumer: {}", differences.join(", "));
                return Err(ConnectError::fatal(at, wrong, "change the options of the edge"));
            }
            // An earlier epoch that does not know of its end yet.
            Err(error) if error.code == ApiError::CONSUMER_NOT_UNIQUE => {}
            Err(error) => return Err(error.at(&at, what)),
        }
    }
    Err(ConnectError::gone(at, what, "a consumer of an earlier epoch is created again and again"))
}

/// Returns the names of all consumers of the stream.
async fn consumers(link: &Link, reader: &Reader, before: Before) -> Result<Vec<String>, ConnectError> {
    let (at, what) = (reader.describe(), "cannot list the consumers");
    let stream = &reader.options.stream;
    let mut names = Vec::new();
    loop {
        let page = link.api(&format!("CONSUMER.NAMES.{stream}"), &json!({ "offset": names.len() })).await;
        let page = match page.map_err(|error| error.at(&at, what))? {
            Ok(page) => page,
            // A server that is starting may not have found its streams yet.
            Err(error) if error.code == ApiError::STREAM_NOT_FOUND && before == Before::First => {
                return Err(ConnectError::fatal(
                    at,
                    format!("there is no stream `{stream}`"),
                    "open the edge with `setup`",
                ));
            }
            Err(error) => return Err(error.at(&at, what)),
        };
        let found = page["consumers"].as_array().cloned().unwrap_or_default();
        let count = found.len();
        names.extend(found.iter().filter_map(|name| name.as_str().map(str::to_owned)));
        if count == 0 || page["total"].as_u64().unwrap_or_default() <= names.len() as u64 {
            return Ok(names);
        }
    }
}

pub(super) async fn delete(link: &Link, reader: &Reader, consumer: &str) -> Result<(), ConnectError> {
    let (at, what) = (reader.describe(), "cannot delete a consumer");
    let call = format!("CONSUMER.DELETE.{}.{consumer}", reader.options.stream);
    match link.api(&call, &json!({})).await.map_err(|error| error.at(&at, what))? {
        Ok(_) => Ok(()),
        Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND => Ok(()),
        Err(error) => Err(error.at(&at, what)),
    }
}
