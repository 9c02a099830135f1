//! Plain events, and deliveries whose outcome the service decides.

use stage_core::BoxError;
use stage_core::ack::{Delivery, Reason, Token};

/// How the events of a step carry requests and results.
pub trait Carry<Request, Response, Error>: Send + 'static {
    /// The events that the step takes.
    type In: Send + 'static;
    /// The events that the step emits.
    type Out: Send + 'static;

    /// Takes the request out.
    fn open(event: Self::In) -> (Request, Token);

    /// Returns what the step emits.
    fn close(result: Result<Response, Error>, token: Token) -> Option<Self::Out>;
}

/// Plain events: the step emits results.
#[derive(Debug)]
pub struct Plain;

/// Deliveries: the step emits responses, and rejects requests that failed.
#[derive(Debug)]
pub struct Acknowledged;

impl<Request, Response, Error> Carry<Request, Response, Error> for Plain
where
    Request: Send + 'static,
    Response: Send + 'static,
    Error: Send + 'static,
{
    type In = Request;
    type Out = Result<Response, Error>;

    fn open(event: Request) -> (Request, Token) {
        (event, Token::untracked())
    }

    fn close(result: Result<Response, Error>, _: Token) -> Option<Result<Response, Error>> {
        Some(result)
    }
}

impl<Request, Response, Error> Carry<Request, Response, Error> for Acknowledged
where
    Request: Send + 'static,
    Response: Send + 'static,
    Error: Into<BoxError>,
{
    type In = Delivery<Request>;
    type Out = Delivery<Response>;

    fn open(event: Delivery<Request>) -> (Request, Token) {
        event.into_parts()
    }

    fn close(result: Result<Response, Error>, token: Token) -> Option<Delivery<Response>> {
        match result {
            Ok(response) => Some(token.with(response)),
            Err(error) => {
                token.reject(Reason::from(error.into()));
                None
            }
        }
    }
}
