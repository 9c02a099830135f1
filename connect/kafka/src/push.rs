//! Produces messages to a topic.

use std::collections::HashSet;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{FutureProducer, Producer};
use stage_connect::{ConnectError, MessageId, Push, PutError};
use tokio::task::spawn_blocking;

use crate::error::{coded, failed};
use crate::message::Outgoing;
use crate::options::ProduceOptions;
use crate::producing::{Parcel, produce_all};
use crate::server::Server;

/// The longest wait for an answer of the cluster.
const PATIENCE: Duration = Duration::from_secs(5);
/// The wait before the next attempt if the queue of the client is full.
const AGAIN: Duration = Duration::from_millis(50);

/// Produces messages idempotently, and waits until all replicas in sync have stored them.
///
/// The client's own repetitions are stored once, and in order. A message that is put again after an error, or by another
/// process, may be stored twice; readers recognise it by the header with its id.
///
/// The numbers of a pipeline become messages of a topic; it needs a server:
///
/// ```no_run
/// use stage_connect::{PushOptions, sink};
/// use stage_core::Pipeline;
/// use stage_kafka::{KafkaPush, Outgoing, ProduceOptions, Server};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("127.0.0.1:9092");
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..100_u64))
///     .step_fn("message", |number| Outgoing::new(number.to_string()))
///     .finish("store", move || {
///         let push = KafkaPush::new(server.clone(), ProduceOptions::to("numbers"));
///         Ok(sink::pushed_plain(push, PushOptions::new()))
///     });
/// pipeline.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
pub struct KafkaPush {
    server: Server,
    options: ProduceOptions,
    producer: Option<FutureProducer>,
    /// Messages that were stored behind one that was not.
    stored: HashSet<MessageId>,
}

impl KafkaPush {
    /// Returns a producer with these options.
    pub fn new(server: Server, options: ProduceOptions) -> Self {
        Self { server, options, producer: None, stored: HashSet::new() }
    }

    fn error(&self, error: &KafkaError) -> PutError {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(Code::QueueFull) => PutError::Full { after: AGAIN },
            Some(code @ (Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord)) => {
                PutError::Refused { index: 0, cause: code.to_string() }
            }
            _ => failed(&self.describe(), "cannot produce", error).into(),
        }
    }
}

impl Push for KafkaPush {
    type Message = Outgoing;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let (at, what) = (self.describe(), "cannot connect");
        self.producer = None;
        let producer: FutureProducer =
            self.server.producer().create().map_err(|error| failed(&at, what, &error))?;
        let (asking, topic) = (producer.clone(), self.options.topic.clone());
        let asked = spawn_blocking(move || {
            let metadata = asking.client().fetch_metadata(Some(&topic), PATIENCE)?;
            Ok(metadata.topics().iter().find_map(MetadataTopic::error))
        });
        match asked.await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(code))) => return Err(coded(&at, what, code.into())),
            Ok(Err(error)) => return Err(failed(&at, what, &error)),
            Err(error) => return Err(ConnectError::gone(at, what, error)),
        }
        self.producer = Some(producer);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, Outgoing)]) -> Result<usize, PutError> {
        let Some(producer) = self.producer.take() else {
            return Err(ConnectError::gone(self.describe(), "cannot produce", "not connected").into());
        };
        let window = &messages[..messages.len().min(self.options.window)];
        let sent: Vec<_> = window.iter().filter(|(id, _)| !self.stored.contains(id)).collect();
        let parcels = sent.iter().map(|(id, message)| Parcel {
            topic: &self.options.topic,
            key: message.key.as_deref(),
            payload: &message.payload,
            headers: message.headers_with(&self.options.id_header, id.as_str()),
        });
        let outcomes = produce_all(&producer, parcels).await;
        if outcomes.len() == window.len() && outcomes.iter().all(Result::is_ok) {
            self.producer = Some(producer);
            return Ok(window.len());
        }
        let mut failure = None;
        for ((id, _), outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => drop(self.stored.insert(id.clone())),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        let leading = window.iter().take_while(|(id, _)| self.stored.contains(id)).count();
        for (id, _) in &window[..leading] {
            self.stored.remove(id);
        }
        match failure.map(|error| self.error(&error)) {
            None => self.producer = Some(producer),
            Some(PutError::Connect(error)) if leading == 0 => return Err(error.into()),
            Some(error) => {
                self.producer = Some(producer);
                if leading == 0 {
                    return Err(error);
                }
            }
        }
        Ok(leading)
    }

    fn set_header(message: &mut Outgoing, name: &str, value: &str) {
        message.headers.retain(|(known, _)| known != name);
        message.headers.push((name.to_owned(), value.to_owned().into()));
    }

    fn describe(&self) -> String {
        format!("{} topic `{}`", self.server.name(), self.options.topic)
    }
}

impl std::fmt::Debug for KafkaPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaPush").field("at", &self.describe()).finish_non_exhaustive()
    }
}
