//! The batched sink on a real server.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod kit;

use kit::Postgres;
use stage_connect::{ConnectError, ErrorKind, MessageId, Push, PushOptions, PutError, sink};
use stage_core::Pipeline;
use stage_core::source::queue;
use stage_postgres::{Row, Server, TableSink};
use tokio_postgres::Client;

type Order = (i64, Option<String>);

fn orders(numbers: impl IntoIterator<Item = i64>) -> Vec<(MessageId, Order)> {
    numbers.into_iter().map(|number| (MessageId::new(format!("m{number}")), (number, item(number)))).collect()
}

fn item(number: i64) -> Option<String> {
    (number % 7 != 0).then(|| format!("item {number}"))
}

/// Stores messages as the engine would; returns the refused ones.
async fn put_all<M: Row>(sink: &mut TableSink<M>, mut messages: &[(MessageId, M)]) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    while !messages.is_empty() {
        match sink.put(messages).await {
            Ok(stored) => messages = &messages[stored..],
            Err(PutError::Refused { index, cause }) => {
                refused.push((messages[index].0.to_string(), cause));
                messages = &messages[index + 1..];
            }
            Err(error) => panic!("{error}"),
        }
    }
    refused
}

async fn numbers(client: &Client, table: &str) -> Vec<i64> {
    let rows = client.query(&format!("SELECT number FROM {table} ORDER BY number"), &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn created(client: &Client, table: &str, columns: &str) {
    client.batch_execute(&format!("CREATE TABLE {table} ({columns})")).await.unwrap();
}

#[tokio::test]
async fn rows_are_copied_and_only_the_bad_ones_are_refused() {
    let Some(server) = Postgres::shared() else { return };
    let (client, table) = (server.client().await, server.table());
    created(&client, &table, "number bigint PRIMARY KEY CHECK (number NOT IN (3, 500, 999)), item text")
        .await;
    let mut sink = TableSink::<Order>::new(server.server(), &table, ["number", "item"]);
    sink.connect().await.unwrap();
    let messages = orders(0..1000);
    let refused = put_all(&mut sink, &messages).await;
    let names: Vec<_> = refused.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["m3", "m500", "m999"]);
    assert!(refused[0].1.contains("violates check constraint"), "{refused:?}");
    assert_eq!(numbers(&client, &table).await.len(), 997);
    let items = client.query(&format!("SELECT item FROM {table} WHERE number = 8"), &[]).await.unwrap();
    assert_eq!(items[0].get::<_, Option<&str>>(0), Some("item 8"));
    let again = put_all(&mut sink, &orders([7, 2000])).await;
    assert!(again.len() == 1 && again[0].1.contains("duplicate key"), "{again:?}");
}

#[tokio::test]
async fn rows_of_a_known_key_are_overwritten_or_ignored() {
    let Some(server) = Postgres::shared() else { return };
    let (client, table) = (server.client().await, server.table());
    created(&client, &table, "number bigint UNIQUE, item varchar(9)").await;
    let message = |id: &str, number: Option<i64>, item: &str| (MessageId::new(id), (number, item.to_owned()));
    let mut update = TableSink::<(Option<i64>, String)>::new(server.server(), &table, ["number", "item"])
        .update_on(["number"]);
    let first = [message("a", Some(1), "one"), message("b", Some(2), "two"), message("c", Some(1), "uno")];
    assert_eq!(update.put(&first).await.unwrap(), 3);
    let nulls = [message("d", None, "none"), message("e", None, "none"), message("f", Some(2), "due")];
    assert_eq!(update.put(&nulls).await.unwrap(), 3);
    let refused =
        put_all(&mut update, &[message("g", Some(3), "too long a text"), message("h", Some(4), "four")])
            .await;
    assert!(refused.len() == 1 && refused[0].0 == "g", "{refused:?}");
    let mut ignore = TableSink::<(Option<i64>, String)>::new(server.server(), &table, ["number", "item"])
        .ignore_on(["number"]);
    assert_eq!(ignore.put(&[message("i", Some(1), "eins"), message("j", Some(5), "five")]).await.unwrap(), 2);
    let rows =
        client.query(&format!("SELECT number, item FROM {table} ORDER BY number, item"), &[]).await.unwrap();
    let rows: Vec<(Option<i64>, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let row = |number, item: &str| (number, item.to_owned());
    let expected = [
        row(Some(1), "uno"),
        row(Some(2), "due"),
        row(Some(4), "four"),
        row(Some(5), "five"),
        row(None, "none"),
        row(None, "none"),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn each_id_is_stored_once() {
    let Some(server) = Postgres::shared() else { return };
    let (client, table) = (server.client().await, server.table());
    created(&client, &table, "number bigint, item text, message text PRIMARY KEY").await;
    let mut sink = TableSink::<Order>::new(server.server(), &table, ["number", "item"]).ids("message");
    for _ in 0..3 {
        assert_eq!(sink.put(&orders(0..50)).await.unwrap(), 50);
    }
    assert_eq!(numbers(&client, &table).await, (0..50).collect::<Vec<_>>());
}

async fn fatal(sink: &mut TableSink<Order>) -> String {
    let error = match sink.put(&orders([1])).await.unwrap_err() {
        PutError::Connect(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_wrong_table_column_or_type_is_fatal_and_names_the_remedy() {
    let Some(server) = Postgres::shared() else { return };
    let (client, table) = (server.client().await, server.table());
    created(&client, &table, "number bigint, item integer").await;
    let sink = |table: &str, columns: [&str; 2]| TableSink::<Order>::new(server.server(), table, columns);
    let line = fatal(&mut sink("nowhere", ["number", "item"])).await;
    assert!(line.contains("table `nowhere`: there is no such table; create it"), "{line}");
    let line = fatal(&mut sink(&table, ["number", "color"])).await;
    assert!(line.ends_with("there is no column `color`; the columns are `number`, `item`"), "{line}");
    for mut sink in [sink(&table, ["number", "item"]), sink(&table, ["number", "item"]).update_on(["number"])]
    {
        let line = fatal(&mut sink).await;
        assert!(
            line.contains("give the column a type that takes the value") || line.contains("[42P10]"),
            "{line}"
        );
    }
    let mut few = TableSink::<Order>::new(server.server(), &table, ["number"]);
    let line = fatal(&mut few).await;
    assert!(line.contains("a row has 2 values, and the sink 1 columns"), "{line}");
}

#[tokio::test]
async fn a_pipeline_stores_its_events_while_the_server_comes_and_goes() {
    let Some(server) = Postgres::start() else { return };
    let table = server.table();
    created(&server.client().await, &table, "number bigint, item text, message text PRIMARY KEY").await;
    let (at, name) = (server.server(), table.clone());
    let (push, source) = queue::<Order>(10).unwrap();
    let pipeline =
        Pipeline::builder("store").start("numbers", move || Ok(source.clone())).finish("table", move || {
            let sink = TableSink::<Order>::new(at.clone(), &name, ["number", "item"]).ids("message");
            let id = PushOptions::new().id(|(number, _): &Order| format!("m{number}"));
            Ok(sink::pushed_plain(sink, id))
        });
    let running = pipeline.start().await.unwrap();
    for number in 0..300 {
        if number == 100 || number == 200 {
            server.kill();
            server.restart();
        }
        push.push((number, item(number))).await.unwrap();
    }
    push.close();
    running.join().await.unwrap();
    assert_eq!(numbers(&server.client().await, &table).await, (0..300).collect::<Vec<_>>());
}

#[test]
fn an_address_without_a_host_is_refused() {
    let error: ConnectError = Server::new("dbname=shop").unwrap_err();
    assert!(error.to_string().contains("names no host"), "{error}");
}
