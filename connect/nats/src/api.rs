//! Bodies of the JetStream API.

use std::time::Duration;

use serde_json::{Value, json};

use crate::options::{DeliverFrom, ReadOptions};

/// Returns the configuration of the durable consumer.
pub(crate) fn consumer(options: &ReadOptions) -> Value {
    let mut config = json!({
        "durable_name": options.consumer,
        "ack_policy": "explicit",
        "ack_wait": nanos(options.lease),
        "deliver_policy": match options.from { DeliverFrom::Oldest => "all", DeliverFrom::New => "new" },
        "max_ack_pending": options.open_at_most,
        // Attempts are judged by the source: the server would only stop delivering.
        "max_deliver": -1,
        "replay_policy": "instant",
    });
    if let Some(filter) = &options.filter {
        config["filter_subject"] = filter.as_str().into();
    }
    json!({ "stream_name": options.stream, "config": config })
}

/// Returns the differences between a consumer at the server and one that these options describe, with both values.
pub(crate) fn differences(info: &Value, options: &ReadOptions) -> Vec<String> {
    let wanted = consumer(options);
    let (config, wanted) = (&info["config"], &wanted["config"]);
    let mut found = Vec::new();
    for name in ["ack_policy", "ack_wait", "max_deliver", "filter_subject"] {
        let (there, here) = (&config[name], &wanted[name]);
        if there != here && !(there.is_null() && here == "") {
            found.push(format!("its {name} is {there}, and not {here}"));
        }
    }
    if config["deliver_subject"].is_string() {
        found.push("it pushes".to_owned());
    }
    found
}

/// The end of a request before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// All messages are delivered that were asked for.
    Complete,
    /// Some messages are delivered, and there are no more at present.
    NoMore,
}

/// Returns a request for the next messages, with a heartbeat while there is none.
pub(crate) fn next(batch: usize, expires: Duration, until: Until, heartbeat: Option<Duration>) -> Value {
    let mut request = json!({ "batch": batch, "expires": nanos(expires) });
    if until == Until::NoMore {
        request["no_wait"] = true.into();
    }
    if let Some(heartbeat) = heartbeat {
        request["idle_heartbeat"] = nanos(heartbeat).into();
    }
    request
}

/// Returns a refusal after which the server waits before it delivers again.
pub(crate) fn nak(after: Duration) -> String {
    if after.is_zero() { "-NAK".to_owned() } else { format!("-NAK {}", json!({ "delay": nanos(after) })) }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_differs_is_described_with_both_values() {
        let options = ReadOptions::new("ORDERS", "billing").lease(Duration::from_secs(30));
        let mut info = consumer(&options);
        assert_eq!(differences(&info, &options), Vec::<String>::new());
        info["config"]["ack_wait"] = 1_000_000_000_u64.into();
        let differences = differences(&info, &options);
        assert_eq!(differences, ["its ack_wait is 1000000000, and not 30000000000"]);
    }

    #[test]
    fn a_nak_names_its_delay_in_nanoseconds() {
        assert_eq!(nak(Duration::ZERO), "-NAK");
        assert_eq!(nak(Duration::from_millis(5)), r#"-NAK {"delay":5000000}"#);
    }
}
