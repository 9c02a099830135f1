//! What a run that stalls prints: the streams, the consumers and the leases by the word of the server, and the notes of the
//! workers.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream;
use serde_json::{Value, json};
use tokio::time::timeout;

/// The longest wait for an answer, as the server may be what has stalled.
const ANSWER: Duration = Duration::from_secs(5);
/// The last lines that are printed of a file.
const LINES: usize = 60;

/// The server and the files of a run.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    url: String,
    folder: PathBuf,
}

/// The file into which a worker writes what it owns and does.
pub(super) fn state_file(log: &Path, worker: &str) -> PathBuf {
    log.with_extension(format!("{worker}.state"))
}

/// The file into which a worker traces.
pub(super) fn trace_file(log: &Path, worker: &str) -> PathBuf {
    log.with_extension(format!("{worker}.trace"))
}

impl Scene {
    pub(super) fn new(url: &str, folder: &Path) -> Self {
        Self { url: url.to_owned(), folder: folder.to_owned() }
    }

    pub(super) async fn describe(&self) -> String {
        let mut text = String::new();
        let urls: Vec<_> = self.url.split(',').collect();
        match timeout(ANSWER, async_nats::connect(urls)).await {
            Ok(Ok(client)) => describe_server(&client, &mut text).await,
            Ok(Err(error)) => writeln!(text, "the server is away: {error}").unwrap(),
            Err(_) => text.push_str("the server does not answer\n"),
        }
        let mut files: Vec<_> =
            fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        let notes = |file: &&PathBuf| file.extension().is_some_and(|of| of == "state" || of == "trace");
        for file in files.iter().filter(notes) {
            writeln!(text, "--- {}", file.file_name().unwrap().display()).unwrap();
            let lines = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
            let lines: Vec<_> = lines.lines().collect();
            for line in &lines[lines.len().saturating_sub(LINES)..] {
                writeln!(text, "{line}").unwrap();
            }
        }
        text
    }
}

async fn describe_server(client: &Client, text: &mut String) {
    let streams = call(client, "STREAM.LIST", &json!({ "subject": ">" })).await;
    for stream in streams["streams"].as_array().into_iter().flatten() {
        let name = stream["config"]["name"].as_str().unwrap_or_default();
        let info = call(client, &format!("STREAM.INFO.{name}"), &json!({ "subjects_filter": ">" })).await;
        writeln!(text, "--- stream {name}: {}", info["state"]).unwrap();
        let consumers = call(client, &format!("CONSUMER.LIST.{name}"), &json!({})).await;
        for consumer in consumers["consumers"].as_array().into_iter().flatten() {
            let of = |name: &str| &consumer[name];
            writeln!(
                text,
                "consumer {}: delivered {}, acknowledged {}, {} pending, {} not acknowledged, {} redelivered, {} requests",
                of("name"),
                of("delivered"),
                of("ack_floor"),
                of("num_pending"),
                of("num_ack_pending"),
                of("num_redelivered"),
                of("num_waiting"),
            )
            .unwrap();
        }
        if name.starts_with("KV_LEASES") {
            let keys =
                info["state"]["subjects"].as_object().into_iter().flatten().map(|(key, _)| key.clone());
            describe_values(client, name, keys, text).await;
        }
    }
}

async fn describe_values(
    client: &Client,
    stream: &str,
    keys: impl Iterator<Item = String>,
    text: &mut String,
) {
    let context = jetstream::new(client.clone());
    let Ok(Ok(stream)) = timeout(ANSWER, context.get_stream_no_info(stream)).await else { return };
    for key in keys {
        match timeout(ANSWER, stream.get_last_raw_message_by_subject(&key)).await {
            Ok(Ok(value)) => {
                let (time, payload) = (value.time, String::from_utf8_lossy(&value.payload));
                writeln!(text, "{key}: {} at {time}: {payload}", value.sequence).unwrap();
            }
            Ok(Err(error)) => writeln!(text, "{key}: {error}").unwrap(),
            Err(_) => writeln!(text, "{key}: no answer").unwrap(),
        }
    }
}

/// Returns the answer of the JetStream API, or the reason for which there is none.
async fn call(client: &Client, call: &str, body: &Value) -> Value {
    let asked = client.request(format!("$JS.API.{call}"), body.to_string().into());
    match timeout(ANSWER, asked).await {
        Ok(Ok(answer)) => serde_json::from_slice(&answer.payload).unwrap_or_default(),
        Ok(Err(error)) => json!({ "state": error.to_string() }),
        Err(_) => json!({ "state": "no answer" }),
    }
}
