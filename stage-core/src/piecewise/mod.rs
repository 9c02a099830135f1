//! Stages for deliveries in pieces: large files, request bodies, the rows of a transaction.
//!
//! ```text
//!                 Begin, Next…, End            state of each whole
//!  delivery ══▶ Cutter ══ Delivery<Piece> ═▶ HandlePieces ══ Delivery<Piece> ═▶ … ═▶ sink
//!     ▲                                        │ failed: the whole is dead
//!     └── one verdict, after its last piece ◀──┴── its other pieces arrive as Broken, and no handler sees them
//! ```
//!
//! A whole ([`ack::Whole`](crate::ack::Whole)) travels as one [`Part::Begin`], its [`Part::Next`]s in order, and one
//! [`Part::End`]. A handler implements [`HandlePieces`] and keeps a state for each whole between these. [`step`] and
//! [`sink`] make stages of it, with the rules:
//!
//! 1. A state is part of its whole: a stage that fails with it makes the whole dead, as a dropped piece does.
//! 2. A dead whole is skipped: its pieces are passed on as [`Part::Broken`], and its state is given to
//!    [`abandon`](HandlePieces::abandon).
//! 3. A piece for which a stage has no state (it was restarted), or that is not the next one of its whole, makes the
//!    whole dead: a stage never guesses what it lost.
//!
//! So the steps behind each other must see the pieces of a whole in order: a step with several copies is fed `by` a
//! key of the whole. A stage that is restarted loses its pieces; later stages hold states for which no piece would
//! arrive, so they are restarted too, as the default [`Strategy::RestForOne`](crate::Strategy) does.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use stage_core::ack::{Delivery, Reason};
//! use stage_core::piecewise::{self, Cut, CutPieces, Cutter, HandlePieces, Part};
//! use stage_core::{Demand, Emitter, Pipeline, Producer, StageResult};
//!
//! type Words = Part<(), &'static str, ()>;
//! type Lengths = Part<(), usize, usize>;
//!
//! /// Cuts a sentence into words.
//! struct IntoWords;
//!
//! impl CutPieces for IntoWords {
//!     type Whole = &'static str;
//!     type Out = Words;
//!     type Open = std::str::SplitWhitespace<'static>;
//!     type Error = Reason;
//!
//!     async fn open(&mut self, sentence: &Self::Whole) -> Result<(Self::Open, ()), Reason> {
//!         Ok((sentence.split_whitespace(), ()))
//!     }
//!
//!     async fn next(&mut self, _: &Self::Whole, words: &mut Self::Open) -> Result<Cut<Words>, Reason> {
//!         Ok(words.next().map_or(Cut::End(()), Cut::Next))
//!     }
//! }
//!
//! /// Measures each word, and the sentence at its end.
//! struct Measure;
//!
//! impl HandlePieces for Measure {
//!     type Whole = &'static str;
//!     type In = Words;
//!     type Out = Lengths;
//!     type State = usize;
//!     type Error = Reason;
//!
//!     async fn begin(&mut self, _: &Self::Whole, (): ()) -> Result<(usize, ()), Reason> {
//!         Ok((0, ()))
//!     }
//!
//!     async fn next(&mut self, _: &Self::Whole, sum: &mut usize, word: &'static str) -> Result<usize, Reason> {
//!         *sum += word.len();
//!         Ok(word.len())
//!     }
//!
//!     async fn end(&mut self, _: &Self::Whole, sum: usize, (): ()) -> Result<usize, Reason> {
//!         Ok(sum)
//!     }
//! }
//!
//! /// Emits the words of two sentences in turn; a source of a service gets its deliveries from `acknowledge_by`.
//! struct Source(Cutter<IntoWords>);
//!
//! impl Producer for Source {
//!     type Event = piecewise::Event<&'static str, Words>;
//!
//!     async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
//!         for _ in 0..demand.get() {
//!             match self.0.next().await {
//!                 Some(piece) => out.emit(piece),
//!                 None => out.finish(),
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::builder("words")
//!     .start("sentences", || {
//!         let mut cutter = Cutter::new(IntoWords);
//!         for sentence in ["one two", "three"] {
//!             cutter.add(Delivery::untracked(sentence));
//!         }
//!         assert!(!cutter.is_empty());
//!         Ok(Source(cutter))
//!     })
//!     .acknowledged()
//!     .step("measure", || Ok(piecewise::step(Measure)))
//!     .finish_fn("print", |piece| println!("{}: {:?}", piece.whole, piece.part));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[2].events_in, 7); // two begin, three words, two end
//! # Ok(())
//! # }
//! ```
//!
//! A stage of your own keeps the states with [`PieceStates`]; a handler cleans up by
//! [`abandon`](HandlePieces::abandon):
//!
//! ```
//! use stage_core::ack::{Delivery, Reason, Whole};
//! use stage_core::piecewise::{self, HandlePieces, Part, PieceError, PieceSink, PieceStates, PieceStep};
//!
//! /// Collects the words of a sentence, and counts the sentences that broke off.
//! #[derive(Default)]
//! struct Collect {
//!     broken: usize,
//! }
//!
//! impl HandlePieces for Collect {
//!     type Whole = &'static str;
//!     type In = Part<(), &'static str, ()>;
//!     type Out = Part<(), (), Vec<&'static str>>;
//!     type State = Vec<&'static str>;
//!     type Error = Reason;
//!
//!     async fn begin(&mut self, _: &Self::Whole, (): ()) -> Result<(Self::State, ()), Reason> {
//!         Ok((Vec::new(), ()))
//!     }
//!
//!     async fn next(&mut self, _: &Self::Whole, words: &mut Self::State, word: &'static str) -> Result<(), Reason> {
//!         words.push(word);
//!         Ok(())
//!     }
//!
//!     async fn end(&mut self, _: &Self::Whole, words: Self::State, (): ()) -> Result<Self::State, Reason> {
//!         Ok(words)
//!     }
//!
//!     async fn abandon(&mut self, _: Self::State) {
//!         self.broken += 1;
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut states = PieceStates::new(Collect::default());
//! let mut whole = Whole::<&str>::new(Delivery::untracked("one two"));
//! states.handle(whole.piece(Part::Begin(()))).await.acknowledge();
//! states.handle(whole.piece(Part::Next("one"))).await.acknowledge();
//! let end = states.handle(whole.last(Part::End(()))).await;
//! assert_eq!(end.part, Part::End(vec!["one"]));
//! end.acknowledge();
//!
//! let mut whole = Whole::<&str>::new(Delivery::untracked("three"));
//! states.handle(whole.piece(Part::Begin(()))).await.acknowledge();
//! states.abandon_all().await;
//! assert_eq!(states.handler().broken, 1);
//! let lost = states.handle(whole.piece(Part::Next("three"))).await;
//! assert_eq!(lost.part, Part::Broken);
//! let error = PieceError::Lost { number: 1 };
//! assert_eq!(error.to_string(), "piece 1 arrived at a stage that has no state of its whole");
//!
//! // The ready-made stages of the same handler.
//! let step: PieceStep<Collect> = piecewise::step(Collect::default());
//! let sink: PieceSink<Collect> = piecewise::sink(Collect::default());
//! assert!(format!("{step:?}, {sink:?}").starts_with("PieceStep"));
//! # }
//! ```

mod cutter;
mod error;
mod handle;
mod part;
mod stages;
mod states;
#[cfg(test)]
mod tests;

pub use cutter::{Cut, CutPieces, Cutter};
pub use error::PieceError;
pub use handle::HandlePieces;
pub use part::{Event, Part, Parts};
pub use stages::{PieceSink, PieceStep, sink, step};
pub use states::PieceStates;
