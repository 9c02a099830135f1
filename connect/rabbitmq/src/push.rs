//! Publishes messages to an exchange or a queue.

use std::collections::HashSet;

use lapin::options::{ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ExchangeKind};
use stage_connect::{ConnectError, MessageId, Push, PutError};

use crate::error::{NOT_FOUND, code, failed, late};
use crate::message::{Outgoing, short};
use crate::options::PublishOptions;
use crate::publish::{Confirmed, Parcel, publish_all};
use crate::server::Server;
use crate::session::{PATIENCE, Session, ask, check_name};

/// The delivery modes of the protocol.
const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

/// Publishes messages with their ids in `message_id`, and waits until the server has confirmed them.
///
/// The server does not recognise ids: a message whose confirm was lost with the connection is stored again.
///
/// The numbers of a pipeline become messages of a queue; it needs a server:
///
/// ```no_run
/// use stage_connect::{PushOptions, sink};
/// use stage_core::Pipeline;
/// use stage_rabbitmq::{Outgoing, PublishOptions, RabbitPush, Server};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("amqp://127.0.0.1:5672")?;
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..100_u64))
///     .step_fn("message", |number| Outgoing::new(number.to_string()))
///     .finish("store", move || {
///         let push = RabbitPush::new(server.clone(), PublishOptions::to_queue("numbers"));
///         Ok(sink::pushed_plain(push, PushOptions::new()))
///     });
/// pipeline.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
pub struct RabbitPush {
    server: Server,
    options: PublishOptions,
    session: Option<Session>,
    /// Messages that were stored behind one that was not.
    stored: HashSet<MessageId>,
}

impl RabbitPush {
    /// Returns a publisher with these options.
    pub fn new(server: Server, options: PublishOptions) -> Self {
        Self { server, options, session: None, stored: HashSet::new() }
    }

    fn properties(&self, id: &MessageId, message: &Outgoing) -> BasicProperties {
        let properties = message.properties.clone().with_message_id(short(id.as_str()));
        if properties.delivery_mode().is_some() {
            return properties;
        }
        properties.with_delivery_mode(if self.options.persistent { PERSISTENT } else { TRANSIENT })
    }

    /// Notes the answers, and counts the leading messages that are stored, up to the first one that is not.
    fn count(
        &mut self,
        window: &[(MessageId, Outgoing)],
        answers: &[(usize, Confirmed)],
        failure: Option<ConnectError>,
    ) -> Result<usize, PutError> {
        let is_stored = |(_, answer): &(usize, Confirmed)| matches!(answer, Confirmed::Stored);
        if answers.len() == window.len() && answers.iter().all(is_stored) {
            return Ok(window.len());
        }
        for (index, answer) in answers {
            if let Confirmed::Stored = answer {
                self.stored.insert(window[*index].0.clone());
            }
        }
        let leading = window.iter().take_while(|(id, _)| self.stored.contains(id)).count();
        for (id, _) in &window[..leading] {
            self.stored.remove(id);
        }
        if leading > 0 {
            return Ok(leading);
        }
        match answers.first() {
            Some((0, Confirmed::Full)) => Err(PutError::Full { after: self.options.retry_full }),
            Some((0, Confirmed::Unroutable(text))) => {
                Err(PutError::Refused { index: 0, cause: format!("no queue takes it: {text}") })
            }
            _ => match failure {
                Some(error) => Err(error.into()),
                None => Ok(0),
            },
        }
    }
}

impl Push for RabbitPush {
    type Message = Outgoing;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.session = None;
        let (at, what) = (self.describe(), "cannot connect");
        let PublishOptions { exchange, routing_key, .. } = &self.options;
        check_name(&at, exchange)?;
        check_name(&at, routing_key)?;
        let session = Session::open(&self.server, &at).await?;
        if exchange.is_empty() {
            if !session.has_queue(routing_key, &at).await? {
                return Err(ConnectError::fatal(at, "there is no such queue", "create it"));
            }
        } else {
            let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
            let declared = session.channel.exchange_declare(
                short(exchange),
                ExchangeKind::Direct,
                passive,
                FieldTable::default(),
            );
            match tokio::time::timeout(PATIENCE, declared).await.map_err(|_| late(&at, what))? {
                Ok(()) => {}
                Err(error) if code(&error) == Some(NOT_FOUND) => {
                    return Err(ConnectError::fatal(at, "there is no such exchange", "create it"));
                }
                Err(error) => return Err(failed(&at, what, &error)),
            }
        }
        ask(&at, what, session.channel.confirm_select(ConfirmSelectOptions::default())).await?;
        self.session = Some(session);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, Outgoing)]) -> Result<usize, PutError> {
        let (at, what) = (self.describe(), "cannot publish");
        let Some(session) = self.session.take() else {
            return Err(ConnectError::gone(at, what, "not connected").into());
        };
        if session.connection.status().blocked() {
            self.session = Some(session);
            return Err(PutError::Full { after: self.options.retry_full });
        }
        let window = &messages[..messages.len().min(self.options.window)];
        let (mut sent, mut parcels) = (Vec::new(), Vec::new());
        for (index, (id, message)) in window.iter().enumerate() {
            if !self.stored.contains(id) {
                sent.push(index);
                parcels.push(Parcel {
                    exchange: &self.options.exchange,
                    routing_key: message.routing_key.as_deref().unwrap_or(&self.options.routing_key),
                    payload: &message.payload,
                    properties: self.properties(id, message),
                });
            }
        }
        let (answers, failure) = publish_all(&session.channel, parcels).await;
        let answers: Vec<_> = sent.into_iter().zip(answers).collect();
        match failure {
            None => self.session = Some(session),
            Some(_) => drop(session),
        }
        let failure = failure.map(|error| failed(&at, what, &error));
        self.count(window, &answers, failure)
    }

    fn set_header(message: &mut Outgoing, name: &str, value: &str) {
        *message = std::mem::take(message).header(name, value);
    }

    fn describe(&self) -> String {
        let PublishOptions { exchange, routing_key, .. } = &self.options;
        let server = self.server.name();
        if exchange.is_empty() {
            format!("{server} queue `{routing_key}`")
        } else {
            format!("{server} exchange `{exchange}`")
        }
    }
}

impl std::fmt::Debug for RabbitPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitPush").field("at", &self.describe()).finish_non_exhaustive()
    }
}
