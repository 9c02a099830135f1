//! The outbox: a message for each committed transaction, published once.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod kit;

use kit::Postgres;
use stage_connect::{ConnectError, MessageId};
use stage_connect::{PullOptions, Push, PushOptions, PutError, sink, source};
use stage_core::Pipeline;
use stage_postgres::{NewJob, Outbox, Outgoing, Queue, QueueOptions, TableSink};

/// Publishes into a table that knows ids, and forgets to say so once.
struct Broker {
    table: TableSink<(String, Option<String>)>,
    loses_answers: u32,
}

impl Push for Broker {
    type Message = Outgoing;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.table.connect().await
    }

    async fn put(&mut self, messages: &[(MessageId, Outgoing)]) -> Result<usize, PutError> {
        let row = |(id, message): &(MessageId, Outgoing)| {
            let trace = message.headers.first().map(|(_, value)| value.clone());
            (id.clone(), (String::from_utf8_lossy(&message.payload).into_owned(), trace))
        };
        let rows: Vec<_> = messages.iter().map(row).collect();
        let stored = self.table.put(&rows).await?;
        if self.loses_answers > 0 {
            self.loses_answers -= 1;
            return Err(ConnectError::gone("the broker", "cannot store", "the answer is lost").into());
        }
        Ok(stored)
    }

    fn describe(&self) -> String {
        self.table.describe()
    }
}

#[tokio::test]
async fn committed_messages_are_published_once_in_the_order_of_their_key_and_others_never() {
    let Some(server) = Postgres::shared() else { return };
    let (orders, published) = (server.table(), server.table());
    let outbox = Outbox::new(server.queue(QueueOptions::new()).await, "shop");
    let mut client = server.client().await;
    let tables = format!(
        "CREATE TABLE {orders} (number integer);
         CREATE TABLE {published} (place serial, payload text, trace text, message text UNIQUE)"
    );
    client.batch_execute(&tables).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..40 {
        let transaction = client.transaction().await.unwrap();
        transaction.execute(&format!("INSERT INTO {orders} VALUES ($1)"), &[&number]).await.unwrap();
        let message = NewJob::new(number.to_string()).key([u8::try_from(number % 2).unwrap()]);
        let added =
            outbox.add(&transaction, [message.header("traceparent", format!("00-{number}"))]).await.unwrap();
        if number % 5 == 0 {
            transaction.rollback().await.unwrap();
        } else {
            transaction.commit().await.unwrap();
            ids.extend(added);
        }
    }
    let (start, at, name) = (outbox.clone(), server.server(), published.clone());
    let pipeline = Pipeline::builder("publish")
        .start("outbox", move || Ok(source::pulled(start.pull().until_empty(), PullOptions::new())))
        .finish("broker", move || {
            let table = TableSink::new(at.clone(), &name, ["payload", "trace"]).ids("message");
            let options = PushOptions::new().id(|message: &Outgoing| message.id.to_string());
            Ok(sink::pushed(Broker { table, loses_answers: 2 }, options))
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    let rows = format!("SELECT payload, trace, message FROM {published} ORDER BY place");
    let rows = client.query(&rows, &[]).await.unwrap();
    let numbers: Vec<u32> = rows.iter().map(|row| row.get::<_, String>(0).parse().unwrap()).collect();
    let of_key = |key| numbers.iter().filter(move |number| *number % 2 == key).copied().collect::<Vec<_>>();
    for key in 0..2 {
        let expected: Vec<_> = (0..40).filter(|number| number % 5 > 0 && number % 2 == key).collect();
        assert_eq!(of_key(key), expected);
    }
    let mut messages: Vec<String> = rows.iter().map(|row| row.get(2)).collect();
    messages.sort_unstable();
    let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    assert_eq!(messages, ids);
    assert_eq!(rows[0].get::<_, String>(1), format!("00-{}", numbers[0]));
    assert!(outbox.queue().is_empty().await.unwrap());
    let stored: i64 = client.query_one(&format!("SELECT count(*) FROM {orders}"), &[]).await.unwrap().get(0);
    assert_eq!(stored, 32);
}

#[tokio::test]
async fn a_queue_of_a_lane_has_ids_of_its_own_outbox() {
    let Some(server) = Postgres::shared() else { return };
    let options = QueueOptions::new().table(server.table()).lane("mail");
    let queue = Queue::new(server.server(), options).unwrap();
    queue.setup().await.unwrap();
    let (one, other) = (Outbox::new(queue.clone(), "one"), Outbox::new(queue, "other"));
    let client = server.client().await;
    let one = one.add(&client, [NewJob::new("a")]).await.unwrap();
    let other = other.add(&client, [NewJob::new("b")]).await.unwrap();
    assert_eq!((one[0].as_str(), other[0].as_str()), ("one-1", "other-2"));
}
