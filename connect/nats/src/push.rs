//! Publishes messages to a stream.

use async_nats::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use stage_connect::{ConnectError, MessageId, Push, PutError};

use crate::error::ApiError;
use crate::inbox::{Answer, Asked, ask_all};
use crate::link::Link;
use crate::message::Outgoing;
use crate::options::PublishOptions;
use crate::server::Server;

/// Room for the subject and the protocol in the limit of a message.
const OVERHEAD: usize = 1024;

/// Publishes messages with their ids, and waits until their stream has acknowledged them.
///
/// A stream stores each id once within its duplicate window, 2 min by default. A message counts as stored when the stream
/// has acknowledged it: it survives the end of the server's process, and a power cut only if the stream has three
/// replicas, or the server runs with `sync_interval: always`.
///
/// The numbers of a pipeline become messages of a stream; it needs a server:
///
/// ```no_run
/// use stage_connect::{PushOptions, sink};
/// use stage_core::Pipeline;
/// use stage_nats::{NatsPush, Outgoing, PublishOptions, Server};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("nats://127.0.0.1:4222")?;
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..100_u64))
///     .step_fn("message", |number| Outgoing::new(number.to_string()))
///     .finish("store", move || {
///         let push = NatsPush::new(server.clone(), PublishOptions::to("numbers"));
///         Ok(sink::pushed_plain(push, PushOptions::new()))
///     });
/// pipeline.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
pub struct NatsPush {
    server: Server,
    options: PublishOptions,
    link: Option<Link>,
}

impl NatsPush {
    /// Returns a publisher with these options.
    pub const fn new(server: Server, options: PublishOptions) -> Self {
        Self { server, options, link: None }
    }

    fn refusal(link: &Link, message: &Outgoing, id: &MessageId) -> Option<String> {
        let headers: usize = message
            .headers
            .iter()
            .map(|(name, values)| {
                values.iter().map(|value| name.to_string().len() + value.as_str().len() + 4).sum::<usize>()
            })
            .sum();
        let (size, most) =
            (message.payload.len() + headers + id.as_str().len() + OVERHEAD, link.client.max_payload());
        if size > most {
            return Some(format!("the message needs {size} bytes with its headers, of at most {most}"));
        }
        let subject = message.subject.as_deref()?;
        let wrong = subject.is_empty()
            || subject.split('.').any(str::is_empty)
            || subject.contains(|sign: char| sign.is_whitespace() || sign == '*' || sign == '>');
        wrong.then(|| format!("`{subject}` is not a subject to publish to"))
    }

    fn asked(&self, (id, message): &(MessageId, Outgoing)) -> Asked {
        let mut headers: HeaderMap = message.headers.clone();
        headers.insert("Nats-Msg-Id", id.as_str());
        let subject = message.subject.as_ref().unwrap_or(&self.options.subject).clone();
        Asked { subject, headers, payload: message.payload.clone() }
    }

    /// Counts the leading messages that are stored, up to the first one that is not.
    fn count(&self, answers: &[Answer], at: &str) -> Result<usize, PutError> {
        for (index, answer) in answers.iter().enumerate() {
            let failure = match answer {
                Answer::NoResponders => {
                    ConnectError::gone(at, "cannot publish", "no stream stores the subject at present").into()
                }
                Answer::Message(answer) => {
                    let error = serde_json::from_slice::<Value>(&answer.payload).map_or_else(
                        |error| Some(ApiError { code: 0, text: format!("an answer is not JSON: {error}") }),
                        |answer| ApiError::of(&answer),
                    );
                    match error {
                        None => continue,
                        Some(error) if error.is_full() => PutError::Full { after: self.options.retry_full },
                        Some(error) if error.is_refusal() => {
                            PutError::Refused { index, cause: error.to_string() }
                        }
                        Some(error) => error.at(at, "cannot publish").into(),
                    }
                }
            };
            return failure.behind(index);
        }
        Ok(answers.len())
    }
}

impl Push for NatsPush {
    type Message = Outgoing;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.link = None;
        let at = self.describe();
        let link = self.server.connect().await?;
        let subject = &self.options.subject;
        let names = link.api("STREAM.NAMES", &json!({ "subject": subject })).await;
        let names = names
            .map_err(|error| error.at(&at, "cannot connect"))?
            .map_err(|error| error.at(&at, "cannot connect"))?;
        if names["streams"].as_array().is_none_or(Vec::is_empty) {
            return Err(ConnectError::fatal(
                at,
                "no stream stores the subject",
                "create a stream with this subject",
            ));
        }
        self.link = Some(link);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, Outgoing)]) -> Result<usize, PutError> {
        let at = self.describe();
        let Some(link) = self.link.take() else {
            return Err(ConnectError::gone(at, "cannot publish", "not connected").into());
        };
        let fit = messages
            .iter()
            .take(self.options.window)
            .take_while(|(id, message)| Self::refusal(&link, message, id).is_none())
            .count();
        if let (0, Some((id, first))) = (fit, messages.first()) {
            let cause = Self::refusal(&link, first, id).unwrap_or_default();
            self.link = Some(link);
            return Err(PutError::Refused { index: 0, cause });
        }
        let asked = messages[..fit].iter().map(|message| self.asked(message)).collect();
        let answers = ask_all(&link, asked).await.map_err(|error| error.at(&at, "cannot publish"))?;
        let stored = self.count(&answers, &at);
        if !matches!(stored, Err(PutError::Connect(_))) {
            self.link = Some(link);
        }
        stored
    }

    fn set_header(message: &mut Outgoing, name: &str, value: &str) {
        if let Ok(value) = value.parse::<HeaderValue>() {
            message.headers.insert(name, value);
        }
    }

    fn describe(&self) -> String {
        format!("{} subject `{}`", self.server.name(), self.options.subject)
    }
}

impl std::fmt::Debug for NatsPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsPush").field("at", &self.describe()).finish_non_exhaustive()
    }
}
