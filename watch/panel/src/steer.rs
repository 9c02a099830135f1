//! Controls pipelines.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stage_core::Window;
use stage_core::pipeline::Copies;
use stage_core::rate::Rate;
use stage_core::watch::{Steering, SteeringError};

use crate::controls::Control;
use crate::error::Refusal;
use crate::guard::allow;
use crate::live::within;
use crate::shared::Shared;

/// The longest deadline of a drain, in seconds: a day.
const LONGEST: u64 = 86_400;

/// A request to control something, without its parameters.
#[derive(Debug)]
pub(crate) struct Request {
    shared: Arc<Shared>,
    headers: HeaderMap,
    from: Option<ConnectInfo<SocketAddr>>,
}

impl FromRequestParts<Arc<Shared>> for Request {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Self::Rejection> {
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();
        Ok(Self { shared: Arc::clone(shared), headers: parts.headers.clone(), from })
    }
}

impl Request {
    /// Checks the permission, and returns the steering of the pipeline.
    fn steering(&self, control: Control, pipeline: &str, what: &str) -> Result<Steering, Refusal> {
        let what = format!("`{pipeline}`: {what}");
        allow(&self.shared, control, &self.headers, self.from, &what)?;
        Ok(self.shared.sampler.feed(pipeline)?.entry().steering())
    }
}

type Done = Result<Json<Value>, Refusal>;

fn done(result: Result<(), SteeringError>) -> Done {
    match result {
        Ok(()) => Ok(Json(json!({ "done": true }))),
        Err(error) => Err(Refusal::new(status(&error), error.to_string())),
    }
}

fn status(error: &SteeringError) -> StatusCode {
    match error {
        SteeringError::UnknownStep { .. } | SteeringError::UnknownRate { .. } => StatusCode::NOT_FOUND,
        SteeringError::Ending { .. } | SteeringError::Ended { .. } => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn parse<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the body is not {example}: {error}")))
}

pub(crate) async fn pause_all(request: Request, Path(pipeline): Path<String>) -> Done {
    done(request.steering(Control::Pause, &pipeline, "pause")?.pause())
}

pub(crate) async fn resume_all(request: Request, Path(pipeline): Path<String>) -> Done {
    done(request.steering(Control::Pause, &pipeline, "resume")?.resume())
}

pub(crate) async fn pause(request: Request, Path((pipeline, step)): Path<(String, String)>) -> Done {
    let steering = request.steering(Control::Pause, &pipeline, &format!("pause `{step}`"))?;
    done(steering.pause_step(&step))
}

pub(crate) async fn resume(request: Request, Path((pipeline, step)): Path<(String, String)>) -> Done {
    let steering = request.steering(Control::Pause, &pipeline, &format!("resume `{step}`"))?;
    done(steering.resume_step(&step))
}

#[derive(Deserialize)]
struct NewWindow {
    min: usize,
    max: usize,
}

pub(crate) async fn window(
    request: Request,
    Path((pipeline, step)): Path<(String, String)>,
    body: Bytes,
) -> Done {
    let steering = request.steering(Control::Window, &pipeline, &format!("window of `{step}`"))?;
    let NewWindow { min, max } = parse(&body, r#"{"min": 1, "max": 10}"#)?;
    let window = Window::new(max, min).map_err(|error| Refusal::bad(error.to_string()))?;
    done(steering.set_window(&step, window))
}

#[derive(Deserialize)]
struct NewCount {
    count: Copies,
}

pub(crate) async fn count(
    request: Request,
    Path((pipeline, step)): Path<(String, String)>,
    body: Bytes,
) -> Done {
    let steering = request.steering(Control::Count, &pipeline, &format!("copies of `{step}`"))?;
    let NewCount { count } = parse(&body, r#"{"count": 4} or {"count": "2..=8"}"#)?;
    done(steering.set_count(&step, count))
}

#[derive(Deserialize)]
struct NewRate {
    per_second: f64,
}

pub(crate) async fn rate(
    request: Request,
    Path((pipeline, step)): Path<(String, String)>,
    body: Bytes,
) -> Done {
    let steering = request.steering(Control::Rate, &pipeline, &format!("rate of `{step}`"))?;
    let NewRate { per_second } = parse(&body, r#"{"per_second": 10}"#)?;
    done(steering.set_rate(&step, exact_rate(per_second)?))
}

/// Returns a rate of whole events in the shortest unit that fits.
fn exact_rate(per_second: f64) -> Result<Rate, Refusal> {
    Rate::from_per_second(per_second).ok_or_else(|| {
        Refusal::bad(format!(
            "`per_second` is a rate from one event a day to 4294967295 a second, in whole events a second, minute, \
             hour or day, not {per_second}"
        ))
    })
}

pub(crate) async fn drain(
    request: Request,
    Path(pipeline): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Done {
    let steering = request.steering(Control::Drain, &pipeline, "drain")?;
    let seconds = within(&query, "seconds", 30, 0..=LONGEST)?;
    done(steering.drain(Duration::from_secs(seconds)))
}

pub(crate) async fn stop(request: Request, Path(pipeline): Path<String>) -> Done {
    done(request.steering(Control::Stop, &pipeline, "stop")?.stop())
}

pub(crate) async fn retry(request: Request, Path((pipeline, id)): Path<(String, String)>) -> Done {
    request.steering(Control::Dead, &pipeline, &format!("retry the dead letter `{id}`"))?;
    let letters = request.shared.dead_letters(&pipeline)?;
    letter(letters.retry(id.clone()).await, &id)
}

pub(crate) async fn drop_letter(request: Request, Path((pipeline, id)): Path<(String, String)>) -> Done {
    request.steering(Control::Dead, &pipeline, &format!("drop the dead letter `{id}`"))?;
    let letters = request.shared.dead_letters(&pipeline)?;
    letter(letters.drop_letter(id.clone()).await, &id)
}

fn letter(found: Result<bool, stage_core::BoxError>, id: &str) -> Done {
    match found {
        Ok(true) => Ok(Json(json!({ "done": true }))),
        Ok(false) => Err(Refusal::unknown(format!("there is no dead letter `{id}`"))),
        Err(error) => Err(Refusal::failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_exact_or_refused() {
        let rate = |per_second| exact_rate(per_second).ok().map(|rate| (rate.events(), rate.per().as_secs()));
        assert_eq!(rate(10.0), Some((10, 1)));
        assert_eq!(rate(0.5), Some((30, 60)));
        assert_eq!(rate(1.0 / 86_400.0), Some((1, 86_400)));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-9] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }
}
