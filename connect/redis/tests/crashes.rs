//! Killed clients and killed servers: every entry is handled, and every message is stored once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stage_connect::{ConnectError, Disposition, MessageId, Pull, Push, PutError, Settle};
use stage_redis::{Append, Fields, ReadOptions, RedisPull, RedisPush, Server};
use support::RedisServer;
use tokio::time::sleep;

const ENTRIES: u32 = 2000;
/// The time limit of a test.
const DEADLINE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(20);

fn options() -> ReadOptions {
    ReadOptions::new("orders", "g").lease(Duration::from_millis(700)).claim_every(Duration::from_millis(50))
}

/// Connects, for as long as the server is away.
macro_rules! connect {
    ($half:expr) => {
        while $half.connect().await.is_err() {
            sleep(PAUSE).await;
        }
    };
}

/// Handles entries until `handle` returns false.
async fn consume(server: Server, mut handle: impl FnMut(&str) -> bool) {
    let mut pull = RedisPull::new(server, options());
    let mut settle = pull.settle_half();
    connect!(pull);
    loop {
        let Ok(pulled) = pull.pull(NonZeroUsize::new(20).unwrap(), Duration::from_millis(100)).await else {
            connect!(pull);
            continue;
        };
        let mut goes_on = true;
        for pulled in &pulled {
            let payload = pulled.message.fields.get("payload").unwrap();
            goes_on &= handle(std::str::from_utf8(payload).unwrap());
        }
        let settled: Vec<_> =
            pulled.into_iter().map(|pulled| (pulled.receipt, Disposition::Accept)).collect();
        while settle.settle(&settled).await.is_err() {
            sleep(PAUSE).await;
        }
        if !goes_on {
            return;
        }
    }
}

async fn produce(server: Server, numbers: std::ops::Range<u32>) {
    let mut push = RedisPush::new(server, Append::to("orders"));
    let messages: Vec<_> = numbers
        .map(|number| (MessageId::new(format!("order-{number}")), Fields::payload(number.to_string())))
        .collect();
    let mut rest = &messages[..];
    connect!(push);
    while !rest.is_empty() {
        match push.put(&rest[..rest.len().min(16)]).await {
            Ok(stored) => rest = &rest[stored..],
            Err(PutError::Connect(_)) => connect!(push),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let (Ok(url), Ok(log)) = (std::env::var("WORKER_URL"), std::env::var("WORKER_LOG")) else { return };
    let mut log = OpenOptions::new().append(true).open(log).unwrap();
    consume(Server::new(&url).unwrap(), |number| {
        log.write_all(format!("{number}\n").as_bytes()).unwrap();
        true
    })
    .await;
}

struct Worker(Child);

impl Worker {
    fn start(url: &str, log: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker", "--exact"]).env("WORKER_URL", url).env("WORKER_LOG", log);
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }
}

/// Kills as `kill -9` does.
impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn distinct(log: &Path) -> BTreeSet<u32> {
    fs::read_to_string(log).unwrap().lines().filter_map(|line| line.parse().ok()).collect()
}

#[tokio::test]
async fn every_entry_is_handled_while_clients_are_killed() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    produce(server.server(), 0..ENTRIES).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut workers = [Worker::start(&server.url(), log.path()), Worker::start(&server.url(), log.path())];
    let begun = Instant::now();
    for kill in 1..=4_u32 {
        while distinct(log.path()).len() < (kill * ENTRIES / 6) as usize {
            assert!(begun.elapsed() < DEADLINE, "{} handled", distinct(log.path()).len());
            sleep(PAUSE).await;
        }
        workers[(kill % 2) as usize] = Worker::start(&server.url(), log.path());
    }
    while distinct(log.path()).len() < ENTRIES as usize {
        assert!(begun.elapsed() < DEADLINE, "{} handled", distinct(log.path()).len());
        sleep(PAUSE).await;
    }
    let repeated = fs::read_to_string(log.path()).unwrap().lines().count() - ENTRIES as usize;
    // At most the entries that the killed clients had in hand.
    assert!(repeated <= 4 * 20, "{repeated} entries were handled again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_stored_once_and_handled_while_the_server_is_killed() -> Result<(), ConnectError> {
    let Some(mut server) = RedisServer::start(&[]).await else { return Ok(()) };
    let producer = tokio::spawn(produce(server.server(), 0..ENTRIES));
    let (handled, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let mut counts = BTreeMap::<u32, u32>::new();
    let consumer = tokio::spawn(consume(server.server(), move |number| {
        handled.send(number.parse::<u32>().unwrap()).is_ok()
    }));
    let mut killed = 0;
    let begun = Instant::now();
    while counts.len() < ENTRIES as usize {
        assert!(begun.elapsed() < DEADLINE, "{} handled", counts.len());
        if let Ok(Some(number)) = tokio::time::timeout(DEADLINE, seen.recv()).await {
            *counts.entry(number).or_default() += 1;
        }
        if killed < 3 && counts.len() > (killed + 1) * ENTRIES as usize / 5 {
            killed += 1;
            server.kill_and_restart().await;
        }
    }
    producer.await.unwrap();
    consumer.abort();
    let mut link = server.link().await.unwrap();
    let length: u32 = redis::cmd("XLEN").arg("orders").query_async(&mut link).await.unwrap();
    assert_eq!(length, ENTRIES);
    Ok(())
}
