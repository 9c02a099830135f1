//! The laws of connectors, against a Redis server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ops::Range;
use std::time::Duration;

use redis::{FromRedisValue, Value, cmd};
use stage_connect::laws::{Counts, LawServer};
use stage_redis::{Entry, ReadOptions, RedisPull};
use support::RedisServer;

struct Redis(RedisServer);

impl Redis {
    async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut link = self.0.link().await.unwrap();
        cmd(command[0]).arg(&command[1..]).query_async(&mut link).await.unwrap()
    }
}

impl LawServer for Redis {
    type Pull = RedisPull;

    async fn start() -> Option<Self> {
        let server = RedisServer::start(&[]).await?;
        let redis = Self(server);
        redis.ask::<Value>(&["XGROUP", "CREATE", "orders", "g", "0", "MKSTREAM"]).await;
        Some(redis)
    }

    fn clients(&self) -> impl Fn() -> RedisPull + Send + 'static {
        let server = self.0.server();
        move || {
            let options = ReadOptions::new("orders", "g")
                .lease(Duration::from_secs(2))
                .claim_every(Duration::from_millis(20));
            RedisPull::new(server.clone(), options)
        }
    }

    fn number(message: &Entry) -> u64 {
        std::str::from_utf8(message.fields.get("number").unwrap()).unwrap().parse().unwrap()
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        for number in numbers {
            self.ask::<Value>(&["XADD", "orders", "*", "number", &number.to_string()]).await;
        }
    }

    async fn counts(&mut self) -> Counts {
        let groups: Vec<std::collections::HashMap<String, Value>> =
            self.ask(&["XINFO", "GROUPS", "orders"]).await;
        let number = |name: &str| match groups[0][name] {
            Value::Int(number) => number.unsigned_abs(),
            ref other => panic!("{name} is {other:?}"),
        };
        Counts {
            ready: number("lag"),
            in_flight: number("pending"),
            dead: self.ask(&["XLEN", "orders:dead"]).await,
        }
    }

    async fn break_connections(&mut self) {
        self.ask::<Value>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    }

    async fn stop(&mut self) {
        self.0.kill();
    }

    async fn restart(&mut self) {
        self.0.restart().await;
    }
}

stage_connect::laws!(Redis);
