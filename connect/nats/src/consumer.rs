//! The durable consumer and the stream of dead letters, created where they do not exist.

use serde_json::json;
use stage_connect::ConnectError;

use crate::api;
use crate::error::ApiError;
use crate::link::Link;
use crate::options::ReadOptions;

/// Finds the consumer, or creates it.
pub(crate) async fn open(link: &Link, options: &ReadOptions, at: &str) -> Result<(), ConnectError> {
    let ReadOptions { stream, consumer, .. } = options;
    let what = "cannot open the consumer";
    let info = link.consumer_info(stream, consumer).await;
    match info.map_err(|error| error.at(at, what))? {
        Ok(info) => {
            let differences = api::differences(&info, options);
            if differences.is_empty() {
                return Ok(());
            }
            let wrong = format!("the consumer exists with other settings: {}", differences.join(", "));
            Err(ConnectError::fatal(at, wrong, "change the options, or delete the consumer"))
        }
        Err(error) if error.code == ApiError::STREAM_NOT_FOUND => {
            let remedy = format!("create it, for example with `nats stream add {stream}`");
            Err(ConnectError::fatal(at, "there is no such stream", remedy))
        }
        Err(error) if error.code == ApiError::CONSUMER_NOT_FOUND => {
            let create = format!("CONSUMER.DURABLE.CREATE.{stream}.{consumer}");
            let created = link.api(&create, &api::consumer(options)).await;
            match created.map_err(|error| error.at(at, what))? {
                Ok(_) => Ok(()),
                Err(error) => {
                    let wrong = format!("the consumer cannot be created: {error}");
                    Err(ConnectError::fatal(at, wrong, "change the options"))
                }
            }
        }
        Err(error) => Err(error.at(at, what)),
    }
}

/// Makes sure that a stream stores the dead letters, since a message published to no stream would be lost.
pub(crate) async fn open_dead(link: &Link, options: &ReadOptions, at: &str) -> Result<(), ConnectError> {
    let what = "cannot open the stream of dead letters";
    let subject = options.dead();
    let names = link.api("STREAM.NAMES", &json!({ "subject": subject })).await;
    let names = names.map_err(|error| error.at(at, what))?.map_err(|error| error.at(at, what))?;
    if names["streams"].as_array().is_some_and(|names| !names.is_empty()) {
        return Ok(());
    }
    if options.dead.is_some() {
        let wrong = format!("no stream stores the dead letters `{subject}`");
        return Err(ConnectError::fatal(at, wrong, "create one with this subject"));
    }
    let name = format!("DEAD_{}", options.stream);
    let config =
        json!({ "name": name, "subjects": [format!("DEAD.{}.>", options.stream)], "storage": "file" });
    match link.api(&format!("STREAM.CREATE.{name}"), &config).await.map_err(|error| error.at(at, what))? {
        Ok(_) => Ok(()),
        Err(error) => {
            let wrong = format!("the stream `{name}` of dead letters cannot be created: {error}");
            Err(ConnectError::fatal(at, wrong, "create it, or set another subject for dead letters"))
        }
    }
}

/// Returns whether the consumer exists.
pub(crate) async fn exists(link: &Link, options: &ReadOptions, at: &str) -> Result<bool, ConnectError> {
    let ReadOptions { stream, consumer, .. } = options;
    let what = "cannot open the consumer";
    let info = link.consumer_info(stream, consumer).await;
    match info.map_err(|error| error.at(at, what))? {
        Ok(_) => Ok(true),
        Err(ApiError { code: ApiError::CONSUMER_NOT_FOUND | ApiError::STREAM_NOT_FOUND, .. }) => Ok(false),
        Err(error) => Err(error.at(at, what)),
    }
}
