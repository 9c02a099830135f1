//! `hashtag_battle --serve --database`: the rows of a table count once each, whatever happens to server and process.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

#[allow(dead_code, reason = "shared with the tests of the page")]
#[path = "battle_page/battle.rs"]
mod battle;
#[path = "../../connect/postgres/tests/kit/mod.rs"]
mod kit;

use std::time::{Duration, Instant};

use battle::Battle;
use kit::Postgres;
use tokio_postgres::Client;

/// Starts the service with the database.
fn battle(server: &Postgres) -> Battle {
    Battle::start("127.0.0.1:0", &["#rust", "#elixir", "--database", &server.address()])
}

async fn insert(client: &Client, text: &str) {
    client.execute("insert into hashtag_entries (text) values ($1)", &[&text]).await.unwrap();
}

/// Waits until this many entries of the two tags are counted.
async fn until(battle: &Battle, expected: [u64; 2]) {
    let begun = Instant::now();
    loop {
        let state = battle.state();
        let sum = |place: usize| {
            let series = state["tags"][place]["series"].as_array().unwrap();
            series.iter().map(|count| count.as_u64().unwrap()).sum::<u64>()
        };
        if [sum(0), sum(1)] == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "not within a minute: {expected:?}\n{state}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the service has made its table.
async fn table(client: &Client) {
    let begun = Instant::now();
    while client.batch_execute("select from hashtag_entries").await.is_err() {
        assert!(begun.elapsed() < Duration::from_mins(1), "there is no table");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_count_once_over_restarts_of_the_server_and_of_the_process() {
    let Some(server) = Postgres::start() else { return };
    let first = battle(&server);
    let client = server.client().await;
    table(&client).await;
    insert(&client, "I like #rust").await;
    first.add("#rust by a request");
    until(&first, [2, 0]).await;

    // A transaction that ends behind a later one is not passed over.
    let mut slow = server.client().await;
    let open = slow.transaction().await.unwrap();
    open.execute("insert into hashtag_entries (text) values ('#elixir, late')", &[]).await.unwrap();
    insert(&client, "#rust, early").await;
    open.commit().await.unwrap();
    until(&first, [3, 1]).await;

    server.kill();
    server.restart();
    let client = server.client().await;
    for _ in 0..50 {
        insert(&client, "#rust #elixir").await;
    }
    until(&first, [53, 51]).await;

    // Another process has the same rows, without the entry of the request.
    drop(first);
    let second = battle(&server);
    until(&second, [52, 51]).await;
    insert(&client, "#elixir").await;
    until(&second, [52, 52]).await;
    assert_eq!(second.state()["entries"], 54);
}

#[test]
fn a_wrong_address_is_one_line_without_its_password() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hashtag_battle"))
        .args(["--serve", "#a", "#b", "--database", "postgres://user:s3cret@host:port/name"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "hashtag_battle: `--database` must be an address such as postgres://user@host/name\n");
}
