//! The stages of a handler of pieces.

use std::fmt;

use super::handle::HandlePieces;
use super::part::Event;
use super::states::PieceStates;
use crate::base::error::{ExitReason, StageResult};
use crate::stage::{Consumer, Context, Emitter, Events, ProducerConsumer};

/// Makes a step of a handler: it passes on a piece for each piece that arrives.
pub fn step<H: HandlePieces>(handler: H) -> PieceStep<H> {
    PieceStep(PieceStates::new(handler))
}

/// Makes a sink of a handler: it acknowledges each piece that it has handled.
pub fn sink<H: HandlePieces>(handler: H) -> PieceSink<H> {
    PieceSink(PieceStates::new(handler))
}

/// A step that handles pieces: see [`step`].
pub struct PieceStep<H: HandlePieces>(PieceStates<H>);

impl<H: HandlePieces> ProducerConsumer for PieceStep<H> {
    type In = Event<H::Whole, H::In>;
    type Out = Event<H::Whole, H::Out>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            out.emit(self.0.handle(piece).await);
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.0.abandon_all().await;
    }
}

/// A sink that handles pieces: see [`sink`].
pub struct PieceSink<H: HandlePieces>(PieceStates<H>);

impl<H: HandlePieces> Consumer for PieceSink<H> {
    type Event = Event<H::Whole, H::In>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for piece in events {
            self.0.handle(piece).await.acknowledge();
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.0.abandon_all().await;
    }
}

impl<H: HandlePieces> fmt::Debug for PieceStep<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PieceStep").field(&self.0).finish()
    }
}

impl<H: HandlePieces> fmt::Debug for PieceSink<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PieceSink").field(&self.0).finish()
    }
}
