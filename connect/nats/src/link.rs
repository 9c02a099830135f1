//! A connection that ends at its first failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, StatusCode};
use serde_json::{Map, Value};
use stage_connect::ConnectError;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::ApiError;

/// The longest wait for an answer of the server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    /// The prefix of the JetStream API.
    pub(crate) prefix: String,
    /// True once the connection was lost, or an answer did not arrive in time.
    pub(crate) ended: Arc<watch::Sender<bool>>,
    /// The last refusal of a subject, which the server does not relate to a request.
    pub(crate) denied: Arc<Mutex<Option<String>>>,
}

/// The reason for which a request has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Nothing listens to the subject: JetStream is starting, or there is no such stream or consumer.
    NoResponders,
    /// The connection was lost, or the time ran out.
    Lost(String),
    /// The user may not publish or subscribe to a subject.
    Denied(String),
}

impl Unanswered {
    pub(crate) fn at(self, server: &str, what: &str) -> ConnectError {
        match self {
            Self::NoResponders => ConnectError::gone(
                server,
                what,
                "JetStream does not answer: it is starting, or the server has none",
            ),
            Self::Lost(text) => ConnectError::gone(server, what, text),
            Self::Denied(text) => ConnectError::fatal(
                server,
                format_args!("{what}: {text}"),
                "grant the user the subjects that the documentation of stage-nats lists",
            ),
        }
    }
}

impl Link {
    /// Returns whether the connection was neither lost nor silent.
    pub(crate) fn is_sound(&self) -> bool {
        !*self.ended.borrow()
    }

    /// Waits until the connection is not sound. Cancel safe.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as this link.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Returns the reason of a silence. The connection is not sound afterwards, which ends the waits of all that share it:
    /// where a network drops packets without a word, the first request that is not answered notices it for the others.
    pub(crate) fn silence(&self) -> Unanswered {
        let lost = self.ended.send_replace(true);
        match self.denied.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(text) => Unanswered::Denied(text),
            None if lost => Unanswered::Lost("the connection was lost".to_owned()),
            None => Unanswered::Lost(format!("no answer within {PATIENCE:?}")),
        }
    }

    /// Returns the result of `answer`, unless the connection or the patience ends first.
    pub(crate) async fn patiently<T>(&self, answer: impl Future<Output = T>) -> Result<T, Unanswered> {
        let answered = async {
            tokio::select! {
                biased;
                answer = answer => Some(answer),
                () = self.ended() => None,
            }
        };
        timeout(PATIENCE, answered).await.ok().flatten().ok_or_else(|| self.silence())
    }

    /// Asks for the configuration and the state of a consumer.
    pub(crate) async fn consumer_info(
        &self,
        stream: &str,
        consumer: &str,
    ) -> Result<Result<Value, ApiError>, Unanswered> {
        self.api(&format!("CONSUMER.INFO.{stream}.{consumer}"), &Value::Object(Map::new())).await
    }

    /// Calls the JetStream API.
    pub(crate) async fn api(&self, call: &str, body: &Value) -> Result<Result<Value, ApiError>, Unanswered> {
        let subject = format!("{}.{call}", self.prefix);
        let request = async_nats::Request::new().payload(body.to_string().into()).timeout(None);
        let answer = self.patiently(self.client.send_request(subject, request)).await?;
        let message = answer.map_err(|error| match error.kind() {
            async_nats::RequestErrorKind::NoResponders => Unanswered::NoResponders,
            _ => Unanswered::Lost(error.to_string()),
        })?;
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(Unanswered::NoResponders);
        }
        let answer: Value = serde_json::from_slice(&message.payload)
            .map_err(|error| Unanswered::Lost(format!("an answer is not JSON: {error}")))?;
        Ok(match ApiError::of(&answer) {
            Some(error) => Err(error),
            None => Ok(answer),
        })
    }
}
