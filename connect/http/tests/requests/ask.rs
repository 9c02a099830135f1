//! Requests to a service, and a source of requests in the hands of a test.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::Value;
use stage_core::ack::Delivery;
use stage_core::spawn::{StageOptions, producer};
use stage_core::testing::ManualConsumer;
use stage_core::{ExitReason, Nothing, StageRef, SubscribeOptions};
use stage_http::{Intake, IntakeOptions, Requests, requests};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// Returns the answer to a `POST`.
pub(crate) fn post(
    service: &Router,
    body: impl Into<Body>,
) -> impl Future<Output = Response> + Send + 'static {
    let request = Request::post("/").body(body.into()).unwrap();
    let service = service.clone();
    async move { service.oneshot(request).await.unwrap() }
}

/// Sends a `POST`, whose answer comes later.
pub(crate) fn post_later(service: &Router, body: impl Into<Body>) -> JoinHandle<Response> {
    tokio::spawn(post(service, body))
}

/// Returns the status and the text of an answer.
pub(crate) async fn body(service: &Router, request: Request<Body>) -> (StatusCode, String) {
    let answer = service.clone().oneshot(request).await.unwrap();
    (answer.status(), text(answer).await)
}

pub(crate) async fn text(answer: Response) -> String {
    String::from_utf8(to_bytes(answer.into_body(), 1_000_000).await.unwrap().into()).unwrap()
}

pub(crate) async fn json(answer: Response) -> Value {
    serde_json::from_str(&text(answer).await).unwrap()
}

/// Returns the error that an answer states.
pub(crate) async fn reason(answer: Response) -> String {
    json(answer).await["error"].as_str().unwrap().to_owned()
}

/// A source of requests whose demand the test makes.
pub(crate) struct Manual {
    pub(crate) intake: Intake<String>,
    pub(crate) service: Router,
    pub(crate) consumer: ManualConsumer<Delivery<String>>,
    source: Requests<String>,
    stage: StageRef<Requests<String>, Nothing, Delivery<String>>,
}

impl Manual {
    pub(crate) async fn new(options: IntakeOptions) -> Self {
        let (intake, source) = requests(options).unwrap();
        let service = Router::new().route("/", intake.post(|text: String| text));
        let stage = producer(source.clone(), StageOptions::named("requests")).await.unwrap();
        let mut consumer = ManualConsumer::spawn("consumer").await;
        consumer.subscribe(&stage.producer(), temporary()).await.unwrap();
        Self { intake, service, consumer, source, stage }
    }

    pub(crate) fn post_later(&self, body: impl Into<Body>) -> JoinHandle<Response> {
        post_later(&self.service, body)
    }

    /// Takes the deliveries that have arrived.
    pub(crate) fn taken(&mut self) -> Vec<Delivery<String>> {
        self.consumer.events()
    }

    /// Ends the stage as a failure does.
    pub(crate) async fn fail(&mut self) {
        let reason = ExitReason::Custom("failed".into());
        self.stage.stop(reason).await;
    }

    /// Ends the stage for good.
    pub(crate) async fn leave(&self) {
        self.stage.stop(ExitReason::Shutdown).await;
    }

    /// Starts the stage again.
    pub(crate) async fn restart(&mut self) {
        self.stage = producer(self.source.clone(), StageOptions::named("requests")).await.unwrap();
        self.consumer.subscribe(&self.stage.producer(), temporary()).await.unwrap();
    }
}

/// The consumer survives the end of the stage.
fn temporary() -> SubscribeOptions<Delivery<String>> {
    SubscribeOptions::new().cancel(stage_core::CancelMode::Temporary)
}
