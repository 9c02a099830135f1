//! Requests to a router, and their answers.
#![allow(dead_code, reason = "each suite uses a part")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request, Response};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::Value;
use stage_core::{Pipeline, StepOptions, sink};
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "a secret";

/// A pipeline whose sink handles 200 events a second.
pub(crate) fn slow_pipeline() -> Pipeline {
    let step = |name| StepOptions::named(name).max_demand(100).min_demand(50);
    Pipeline::builder("upload")
        .start_fn("numbers", || Ok(0_u64..))
        .step_fn(step("double"), |number| number * 2)
        .finish(step("store").count(2), || {
            Ok(sink::for_each_async(|_: u64| async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(())
            }))
        })
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) host: Vec<u8>,
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), host: b"localhost".into(), token: None, body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: &str, body: &str) -> Self {
        Self { body: body.into(), ..Self::new(Method::PUT, path) }
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Returns the request, if it can be one.
    pub(crate) fn request(self) -> Result<Request<Body>, axum::http::Error> {
        let mut request = Request::builder().method(self.method).uri(self.path).header("host", self.host);
        if let Some(token) = self.token {
            request = request.header("x-stage-token", token);
        }
        request.body(Body::from(self.body))
    }

    pub(crate) async fn of(self, router: &Router) -> Response<Body> {
        router.clone().oneshot(self.request().unwrap()).await.unwrap()
    }
}

pub(crate) async fn body(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) async fn json(response: Response<Body>) -> Value {
    serde_json::from_str(&body(response).await).unwrap()
}

/// The server-sent events of an answer.
pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    pub(crate) fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Returns the name and the data of the next event; skips signs of life.
    pub(crate) async fn next_text(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return Some((name, data));
                }
            }
            self.text.push_str(std::str::from_utf8(&self.body.next().await?.unwrap()).unwrap());
        }
    }

    pub(crate) async fn try_next(&mut self) -> Option<(String, Value)> {
        let (name, data) = self.next_text().await?;
        Some((name, serde_json::from_str(&data).unwrap()))
    }

    pub(crate) async fn next(&mut self) -> (String, Value) {
        self.try_next().await.expect("the stream goes on")
    }

    /// Returns the first tick for which `holds` holds.
    pub(crate) async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_000 {
            let (_, tick) = self.next().await;
            if holds(&tick) {
                return tick;
            }
        }
        panic!("not within a thousand ticks");
    }
}
