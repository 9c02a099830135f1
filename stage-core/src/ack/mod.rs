//! Acknowledgement: sources learn which events were handled; unhandled events are never lost silently.
//!
//! ```text
//!   source ══ Delivery<T> ═▶ steps ══ Delivery<U> ═▶ sink
//!     ▲            │ dropped: rejected                │ acknowledged
//!     │            ▼                                  ▼
//!     └─ Acknowledger ◀── batches of verdicts ── collector ◀─┘
//! ```
//!
//! A source wraps each event in a [`Delivery`], with a receipt. Its last handler calls
//! [`acknowledge`](Delivery::acknowledge); a delivery dropped without that, for example by a panic's
//! unwinding, is rejected. The collector reports verdicts to the source's [`Acknowledger`], in batches.
//!
//! A delivery is *in hand* from the moment a handler looks at its value ([`Deref`](std::ops::Deref),
//! [`into_parts`](Delivery::into_parts)) until it is passed on ([`map`](Delivery::map), [`Token::with`]) or
//! settled. Dropping a delivery in hand is a failed attempt ([`Reason::Dropped`]). Dropping any other
//! delivery, in a queue, a buffer, a stream or the unread rest of a batch, is not ([`Reason::Untried`]).
//!
//! 1. Every delivery is judged once: acknowledged if all of its holders acknowledged it, otherwise rejected
//!    for the first reason given.
//! 2. It is judged when its last holder releases it, so it is in no handler's hands when it is delivered
//!    again.
//! 3. A delivery dropped while no handler has it in hand is rejected as untried, wherever it is dropped.
//! 4. Releasing a delivery only records the verdict: it does not wait, does not panic, and needs no runtime.
//! 5. A [`Whole`] is handled in pieces, which are deliveries themselves. It is dead from the first rejected piece on:
//!    the steps that handle one event at a time ([`policy`](crate::policy)), functions at the end of a pipeline and the
//!    stages of [`piecewise`](crate::piecewise) acknowledge its other pieces without handling them.
//! 6. The collector ends when its source is gone and every delivery was judged; a pipeline waits for that.
//! ```
//! use stage_core::ack::{Acknowledger, AckOptions, Deliveries, Delivery, RejectedDelivery};
//! use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult};
//!
//! /// Prints the verdicts.
//! struct Print;
//!
//! impl Acknowledger for Print {
//!     type Receipt = u64;
//!
//!     async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
//!         println!("done: {done:?}, to be tried again: {}", rejected.len());
//!         Ok(())
//!     }
//! }
//!
//! /// Delivers the numbers below ten, once.
//! #[derive(Default)]
//! struct Numbers {
//!     deliveries: Option<Deliveries<u64>>,
//! }
//!
//! impl Producer for Numbers {
//!     type Event = Delivery<u64>;
//!
//!     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
//!         self.deliveries = Some(cx.acknowledge_by(Print, AckOptions::new()));
//!         Ok(Init::Ready)
//!     }
//!
//!     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
//!         if let Some(deliveries) = &self.deliveries {
//!             out.extend(deliveries.deliver((0..10).map(|number| (number, number))));
//!         }
//!         out.finish();
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::builder("numbers")
//!     .start("numbers", || Ok(Numbers::default()))
//!     .acknowledged()
//!     .step_fn("double", |number| 2 * number)
//!     .finish_fn("print", |number| println!("{number}"));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.settlement.acknowledged, 10);
//! # Ok(())
//! # }
//! ```
//!
//! # Sources
//!
//! A source may make single deliveries, tokens for events that it has not read yet, and deliveries that tell it when an
//! attempt begins:
//!
//! ```
//! use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivering, Delivery, RejectedDelivery};
//! use stage_core::ack::{Settlement, Tokens, Waiting};
//! use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult};
//!
//! struct Done;
//!
//! impl Acknowledger for Done {
//!     type Receipt = u64;
//!
//!     async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
//!         Ok(())
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Jobs(Option<Deliveries<u64>>);
//!
//! impl Producer for Jobs {
//!     type Event = Delivery<&'static str>;
//!
//!     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
//!         self.0 = Some(cx.acknowledge_by(Done, AckOptions::new()));
//!         Ok(Init::Ready)
//!     }
//!
//!     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
//!         let Some(deliveries) = &self.0 else { return Ok(()) };
//!         let first: Delivering<&'static str> = deliveries.deliver([("copy", 1)]);
//!         out.extend(first);
//!         out.emit(deliveries.deliver_watched("move", 2, || println!("job 2 begins")));
//!         let tokens: Tokens = deliveries.tokens([3, 4]);
//!         out.extend(tokens.zip(["link", "delete"]).map(|(token, job)| token.with(job)));
//!         // Only verdicts are missing now, so they are reported soon.
//!         deliveries.set_waiting(Waiting::ForVerdicts);
//!         out.finish();
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::builder("jobs")
//!     .start("jobs", || Ok(Jobs::default()))
//!     .acknowledged()
//!     .finish_fn("run", |job| println!("{job}"));
//! let settlement: Settlement = pipeline.start().await?.join().await?.settlement;
//! assert_eq!((settlement.delivered, settlement.acknowledged, settlement.open()), (4, 4, 0));
//! # Ok(())
//! # }
//! ```
//!
//! # Tokens
//!
//! The [`Token`] of a delivery settles it without the value; several holders may share it:
//!
//! ```
//! use stage_core::ack::{Delivery, Piece, Reason, Split, Token, Whole};
//!
//! let mut order = Whole::<&str>::new(Delivery::untracked("order"));
//! let (piece, token): (Piece<&str, &str>, Token) = order.piece("3 apples, 2 pears").into_parts();
//! let (packer, clerk) = (token.share(), token.share());
//! assert!(token.is_tracked() && token.origin().is_none());
//!
//! let parts: Split<_> = token.with(piece.part.split(", ")).split();
//! Token::acknowledge_all(parts.map(|part| part.into_parts().1));
//! packer.fail(Reason::failed("no pears"));
//! assert!(clerk.is_rejected() && order.is_dead());
//! packer.acknowledge();
//! clerk.reject(Reason::hopeless("no order"));
//!
//! let both = Token::join([Token::untracked(), Token::untracked()]);
//! assert!(!both.is_rejected());
//! both.acknowledge();
//! ```

mod acknowledger;
mod books;
mod collector;
mod collectors;
mod deliveries;
mod delivery;
mod frame;
mod group;
mod handled;
mod holder;
mod in_hand;
mod inbox;
#[cfg(test)]
mod laws;
mod looked;
#[cfg(all(test, stage_loom))]
mod models;
mod offsets;
mod origin;
mod reason;
mod settlement;
mod slot;
mod split;
mod token;
mod waiting;
mod whole;

pub use acknowledger::{AckOptions, Acknowledger, RejectedDelivery};
pub(crate) use collectors::Collectors;
pub use deliveries::{Deliveries, Delivering, Tokens};
pub use delivery::Delivery;
pub(crate) use handled::Handled;
pub use offsets::Offsets;
pub use origin::Origin;
pub use reason::Reason;
pub use settlement::Settlement;
pub use split::Split;
pub use token::Token;
pub use waiting::Waiting;
pub use whole::{Piece, Whole};
