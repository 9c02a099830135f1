//! The streams and buckets of an edge: their configurations, and the comparison with those of the server.

use std::time::Duration;

use serde_json::{Value, json};
use stage_connect::ConnectError;
use stage_edge::EdgeSpec;

use super::names::Names;
use crate::api::nanos;
use crate::error::ApiError;
use crate::link::Link;

/// The time for which dead letters and changes of keys are recognised by their ids; their order is kept by other means.
const SHORT_WINDOW: Duration = Duration::from_secs(120);

/// Room for the subject, the headers and the protocol in the limit of a message.
pub(super) const OVERHEAD: usize = 4096;

/// Returns the configurations of all objects.
pub(super) fn objects(spec: &EdgeSpec, replicas: usize) -> Vec<Value> {
    let names = Names::of(spec);
    vec![
        frames(&names, spec, replicas),
        bucket(&names.leases(), Some(spec.lease), replicas),
        bucket(&names.notes(), None, replicas),
        letters(&names, replicas),
    ]
}

/// A partition that is full refuses a frame, and keeps those that it has.
fn frames(names: &Names, spec: &EdgeSpec, replicas: usize) -> Value {
    json!({
        "name": names.stream(),
        "subjects": [names.subjects()],
        "retention": "workqueue",
        "storage": "file",
        "num_replicas": replicas,
        "discard": "new",
        "discard_new_per_subject": true,
        "max_msgs_per_subject": spec.frames_kept,
        "duplicate_window": nanos(spec.window),
        "allow_direct": true,
    })
}

/// The form that the key-value convention of JetStream prescribes, so that other clients can read it.
fn bucket(name: &str, age: Option<Duration>, replicas: usize) -> Value {
    json!({
        "name": format!("KV_{name}"),
        "subjects": [format!("$KV.{name}.>")],
        "retention": "limits",
        "storage": "file",
        "num_replicas": replicas,
        "discard": "new",
        "max_msgs_per_subject": 1,
        "max_age": nanos(age.unwrap_or_default()),
        "duplicate_window": nanos(age.unwrap_or(SHORT_WINDOW).min(SHORT_WINDOW)),
        "allow_rollup_hdrs": true,
        "deny_delete": true,
        "allow_direct": true,
    })
}

/// A second letter of the same subject is refused: it is there already.
fn letters(names: &Names, replicas: usize) -> Value {
    json!({
        "name": names.dead(),
        "subjects": [names.letters()],
        "retention": "limits",
        "storage": "file",
        "num_replicas": replicas,
        "discard": "new",
        "discard_new_per_subject": true,
        "max_msgs_per_subject": 1,
        "duplicate_window": nanos(SHORT_WINDOW),
    })
}

/// Whether a missing object is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Refuse,
}

/// Finds or creates a stream, and compares its configuration as the server reports it: a server silently drops fields that it
/// does not know.
pub(super) async fn open(
    link: &Link,
    wanted: &Value,
    missing: Missing,
    at: &str,
) -> Result<(), ConnectError> {
    let what = "cannot open the edge";
    let name = wanted["name"].as_str().unwrap_or_default();
    let info = link.api(&format!("STREAM.INFO.{name}"), &json!({})).await;
    let info = match info.map_err(|error| error.at(at, what))? {
        Err(error) if error.code == ApiError::STREAM_NOT_FOUND => match missing {
            Missing::Create => create(link, name, wanted, at).await?,
            Missing::Refuse => {
                return Err(ConnectError::fatal(
                    at,
                    format!("there is no stream `{name}`"),
                    "open the edge once with `setup`, by a user who may create streams",
                ));
            }
        },
        found => found.map_err(|error| error.at(at, what))?,
    };
    let differences = differences(&info["config"], wanted);
    if differences.is_empty() {
        return Ok(());
    }
    let wrong = format!("the stream `{name}` has other settings: {}", differences.join(", "));
    Err(ConnectError::fatal(at, wrong, "change the options of the edge, or the stream"))
}

async fn create(link: &Link, name: &str, wanted: &Value, at: &str) -> Result<Value, ConnectError> {
    let created = link.api(&format!("STREAM.CREATE.{name}"), wanted).await;
    match created.map_err(|error| error.at(at, "cannot open the edge"))? {
        Ok(info) => Ok(info),
        Err(error) if error.is_away() => Err(error.at(at, "cannot open the edge")),
        Err(error) => {
            let wrong = format!("the stream `{name}` cannot be created: {error}");
            Err(ConnectError::fatal(at, wrong, "change the options of the edge, or the server"))
        }
    }
}

/// Returns the settings that differ, with both values.
fn differences(there: &Value, wanted: &Value) -> Vec<String> {
    let Some(wanted) = wanted.as_object() else { return Vec::new() };
    let differing = wanted.iter().filter(|(name, here)| {
        let there = &there[name.as_str()];
        there != *here && !(there.is_null() && is_default(here))
    });
    differing.map(|(name, here)| format!("its {name} is {}, and not {here}", there[name.as_str()])).collect()
}

/// Servers leave out some settings that have their default.
fn is_default(value: &Value) -> bool {
    value == 0 || value == false || value == ""
}

/// The durability of one stored frame by the server's word, and a warning where it does not outlive a machine.
pub(super) fn durability(replicas: usize) -> (String, Option<String>) {
    if replicas >= 3 {
        return (format!("{replicas} replicas"), None);
    }
    let word = "one copy, which outlives the process of the server".to_owned();
    let warning = "the streams have fewer than 3 replicas: a power cut loses frames that were acknowledged in the last 2 min, \
                   unless the server runs with `sync_interval: always`, which a client cannot see"
        .to_owned();
    (word, Some(warning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_differs_is_named_with_both_values() {
        let spec = EdgeSpec::new("shop", "orders").partitions(4);
        let wanted = &objects(&spec, 1)[0];
        let mut there = wanted.clone();
        assert_eq!(differences(&there, wanted), Vec::<String>::new());
        there["max_msgs_per_subject"] = 7.into();
        there.as_object_mut().unwrap().remove("discard_new_per_subject");
        let named = differences(&there, wanted).join(", ");
        assert!(named.contains("its max_msgs_per_subject is 7, and not 64"), "{named}");
        assert!(named.contains("its discard_new_per_subject is null, and not true"), "{named}");
    }

    #[test]
    fn fewer_than_three_replicas_are_a_warning() {
        assert!(durability(1).1.is_some_and(|warning| warning.contains("sync_interval")));
        assert_eq!(durability(3), ("3 replicas".to_owned(), None));
    }
}
