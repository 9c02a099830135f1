//! Failure policies: how a step handles events that fail.
//!
//! A step that handles single events ([`EachEvent`], or a function wrapped by [`each`] or [`attempt`]) has a
//! [`FailurePolicy`]. A failed event never affects the rest of its batch: the other events are handled, in
//! order.
//!
//! | policy | the event | the stage |
//! |---|---|---|
//! | [`restart`](FailurePolicy::restart) (default) | is lost, or rejected if it is a delivery | handles the rest of the batch, then fails and is restarted |
//! | [`skip`](FailurePolicy::skip) | the same | continues |
//! | [`dead_letter`](FailurePolicy::dead_letter) | is sent elsewhere with its error, and with its token if it is a delivery | continues |
//! | [`stop`](FailurePolicy::stop) | is lost, or rejected | ends the pipeline |
//! | [`retry`](FailurePolicy::retry) before any of these | is handled again after a delay | handles other events meanwhile |
//!
//! Results leave in the order of the events, also after a retry. A step that is fed [`by`](crate::Chain::by) key holds back the later
//! events of a key while one of them waits for its next attempt; results leave in the order of each key. The `max_demand` of
//! the step bounds the events that wait.
//!
//! An error that says [`Hopeless`] is the last: the event is not retried.
//!
//! An event fails by an error, a panic, or a [deadline](FailurePolicy::deadline). After a panic, the recipe
//! makes a new handler, whatever the policy. With `panic = "abort"`, a panic ends the process instead.
//!
//! ```
//! use std::time::Duration;
//! use stage_core::policy::{FailurePolicy, each};
//! use stage_core::{Backoff, Pipeline};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (letters, mut set_aside) = tokio::sync::mpsc::unbounded_channel();
//! let policy = FailurePolicy::dead_letter(letters)
//!     .retry(Backoff::new(Duration::from_millis(1), Duration::from_millis(9)).attempts(2));
//! let pipeline = Pipeline::builder("numbers")
//!     .start_fn("words", || Ok(["1", "two", "3"]))
//!     .step_each("parse", policy, || Ok(each(|word: &str| async move { word.parse::<u64>() })))
//!     .finish_fn("print", |number| println!("{number}"));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[2].events_in, 2);
//! let letter = set_aside.recv().await.ok_or("there is one")?;
//! assert_eq!((letter.event, letter.attempts), ("two", 3));
//! # Ok(())
//! # }
//! ```
//!
//! Handlers are values, which a program may also call itself:
//!
//! ```
//! use std::num::ParseIntError;
//!
//! use stage_core::BoxError;
//! use stage_core::policy::{Attempt, Each, EachEvent, EachSome, attempt, each, each_some};
//!
//! async fn name(id: u32) -> Result<String, BoxError> {
//!     Ok(format!("customer {id}"))
//! }
//!
//! async fn address(id: u32) -> Result<Option<String>, BoxError> {
//!     Ok((id % 2 == 0).then(|| format!("street {id}")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let mut names: Each<_, u32, String, BoxError> = each(name);
//! assert_eq!(names.handle(7).await?.as_deref(), Some("customer 7"));
//! let mut addresses: EachSome<_, u32, String, BoxError> = each_some(address);
//! assert_eq!(addresses.handle(7).await?, None);
//! let mut parse: Attempt<_, &'static str, u32, ParseIntError> = attempt(|word: &'static str| word.parse());
//! assert!(parse.handle("seven").await.is_err());
//! # Ok(())
//! # }
//! ```

mod at_once;
mod caller;
pub(crate) mod carry;
mod decision;
mod each_event;
mod event_error;
mod failure_policy;
mod function;
mod handle_each;
mod letter;
mod numbers;
mod overloaded;
mod sink;
mod skip;
mod step;

pub use crate::base::hopeless::Hopeless;
pub use at_once::{AtOnce, AtOnceError, AtOncePer, Order};
pub(crate) use caller::{Again, Attempted, Called, Caller, HandlerRecipe, Losses};
pub(crate) use carry::{Acknowledged, Carry, Plain};
pub use each_event::EachEvent;
pub use event_error::{EventError, Failed};
pub use failure_policy::{FailurePolicy, Retained};
pub use function::{Attempt, Each, EachSome, attempt, each, each_some};
pub use letter::{DeadLetter, DeadLetters, dead_letters_fn};
pub use overloaded::Overloaded;
pub(crate) use sink::EventSink;
pub(crate) use skip::Skip;
pub(crate) use step::EventStep;
