//! A bucket of values by key, with compare-and-set: the key-value convention of JetStream.

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use stage_connect::ConnectError;

use super::line::Line;
use crate::error::ApiError;
use crate::inbox::{Answer, Asked, Inbox, ask_all};

/// A bucket on the server. Its stream is made by [`setup`](super::setup), since the client's own call fails on servers
/// before 2.10.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    line: Line,
    name: String,
}

/// The last change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) revision: u64,
    /// The value; `None` if it was deleted.
    pub(super) value: Option<Bytes>,
}

/// The refusal of a change, since the key has another revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongRevision;

/// The kind of a change, in the header of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Put,
    Delete,
}

impl Bucket {
    pub(super) fn new(line: Line, name: String) -> Self {
        Self { line, name }
    }

    pub(super) fn describe(&self) -> String {
        format!("{} bucket `{}`", self.line.server().name(), self.name)
    }

    fn stream(&self) -> String {
        format!("KV_{}", self.name)
    }

    /// The subject of a key, or of all keys that match a filter.
    pub(super) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    pub(super) const fn line(&self) -> &Line {
        &self.line
    }

    /// Returns the last change of a key, from the leader of the stream.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Entry>, ConnectError> {
        let (at, what) = (self.describe(), "cannot read");
        let link = self.line.link().await?;
        let context = self.line.server().jetstream(&link);
        let read = async {
            let stream =
                context.get_stream_no_info(self.stream()).await.map_err(|error| error.to_string())?;
            match stream.get_last_raw_message_by_subject(&self.subject(key)).await {
                Ok(message) => Ok(Some(message)),
                Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
                Err(error) => Err(error.to_string()),
            }
        };
        let read: Result<_, String> = link.patiently(read).await.map_err(|error| error.at(&at, what))?;
        let message = read.map_err(|error| ConnectError::gone(&at, what, error))?;
        Ok(message.map(|message| {
            let deleted = message.headers.get("KV-Operation").is_some();
            Entry { revision: message.sequence, value: (!deleted).then_some(message.payload) }
        }))
    }

    /// Stores a value if the last change of the key has this revision; zero: if there is none. Returns the new revision.
    pub(super) async fn put(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        expected: Option<u64>,
    ) -> Result<Result<u64, WrongRevision>, ConnectError> {
        self.change(key, value.into(), expected, Change::Put).await
    }

    /// Stores a value if there is none. Returns its revision.
    pub(super) async fn create(
        &self,
        key: &str,
        value: impl Into<Bytes>,
    ) -> Result<Result<u64, WrongRevision>, ConnectError> {
        let value = value.into();
        let created = self.put(key, value.clone(), Some(0)).await?;
        if created.is_ok() {
            return Ok(created);
        }
        // A deletion leaves a marker.
        match self.get(key).await? {
            Some(Entry { value: Some(_), .. }) => Ok(Err(WrongRevision)),
            Some(Entry { value: None, revision }) => self.put(key, value, Some(revision)).await,
            None => self.put(key, value, Some(0)).await,
        }
    }

    /// Deletes a value if its revision is this one; `None`: whatever it is.
    pub(super) async fn delete(
        &self,
        key: &str,
        expected: Option<u64>,
    ) -> Result<Result<(), WrongRevision>, ConnectError> {
        Ok(self.change(key, Bytes::new(), expected, Change::Delete).await?.map(drop))
    }

    async fn change(
        &self,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
        change: Change,
    ) -> Result<Result<u64, WrongRevision>, ConnectError> {
        let (at, what) = (self.describe(), "cannot write");
        let link = self.line.link().await?;
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string().as_str());
        }
        if change == Change::Delete {
            headers.insert("KV-Operation", "DEL");
        }
        let asked = Asked { subject: self.subject(key), headers, payload: value };
        let mut answers = ask_all(&link, vec![asked]).await.map_err(|error| error.at(&at, what))?;
        let Some(Answer::Message(answer)) = answers.pop() else {
            return Err(ConnectError::gone(at, what, "no stream stores it at present"));
        };
        let answer = json_of(&answer.payload, &at)?;
        match ApiError::of(&answer) {
            None => Ok(Ok(answer["seq"].as_u64().unwrap_or_default())),
            Some(error) if error.is_wrong_revision() => Ok(Err(WrongRevision)),
            Some(error) => Err(error.at(&at, what)),
        }
    }

    /// Returns the last changes of all keys that match a filter, possibly from a replica that is behind.
    pub(super) async fn all(&self, filter: &str) -> Result<Vec<(String, Entry)>, ConnectError> {
        let (at, what) = (self.describe(), "cannot read");
        let link = self.line.link().await?;
        let body = json!({ "subjects_filter": self.subject(filter) });
        let answer = link.api(&format!("STREAM.INFO.{}", self.stream()), &body).await;
        let info = answer.map_err(|error| error.at(&at, what))?.map_err(|error| error.at(&at, what))?;
        let Some(subjects) = info["state"]["subjects"].as_object() else { return Ok(Vec::new()) };
        let prefix = self.subject("");
        let keys: Vec<_> =
            subjects.keys().filter_map(|subject| subject.strip_prefix(&prefix)).map(str::to_owned).collect();
        let get = format!("{}.DIRECT.GET.{}", link.prefix, self.stream());
        let mut inbox = Inbox::open(&link).await.map_err(|error| error.at(&at, what))?;
        let mut entries = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(AT_ONCE) {
            let asked = chunk.iter().map(|key| Asked {
                subject: get.clone(),
                headers: HeaderMap::new(),
                payload: json!({ "last_by_subj": self.subject(key) }).to_string().into(),
            });
            let answers = inbox.ask(asked.collect()).await.map_err(|error| error.at(&at, what))?;
            for (key, answer) in chunk.iter().zip(answers) {
                let Answer::Message(message) = answer else {
                    return Err(ConnectError::gone(at, what, "the stream does not answer at present"));
                };
                entries.extend(direct(message).map(|entry| (key.clone(), entry)));
            }
        }
        Ok(entries)
    }
}

/// The maximum number of keys that are read at once.
const AT_ONCE: usize = 500;

pub(super) fn json_of(payload: &[u8], at: &str) -> Result<Value, ConnectError> {
    serde_json::from_slice(payload)
        .map_err(|error| ConnectError::gone(at, "cannot read an answer", format!("it is not JSON: {error}")))
}

/// Returns the change in an answer of a replica; `None` if the key has ended.
fn direct(message: Message) -> Option<Entry> {
    if message.status == Some(StatusCode::NOT_FOUND) {
        return None;
    }
    let headers = message.headers?;
    let revision = headers.get("Nats-Sequence")?.as_str().parse().ok()?;
    let deleted = headers.get("KV-Operation").is_some();
    Some(Entry { revision, value: (!deleted).then_some(message.payload) })
}
