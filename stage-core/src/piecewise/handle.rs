//! The work of one stage on the pieces of wholes.

use std::future::{Future, ready};

use super::part::Parts;
use crate::ack::Reason;

/// The state of a whole, and the part that is passed on for its beginning.
type Begun<H> = (<H as HandlePieces>::State, <<H as HandlePieces>::Out as Parts>::Begin);

/// Handles wholes piece by piece, with a state for each whole in progress.
///
/// An error makes the whole dead; the stage itself goes on with the others. See the [module](super) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle pieces: it is not a `HandlePieces`",
    label = "not a `HandlePieces`",
    note = "implement `stage_core::piecewise::HandlePieces` for it"
)]
pub trait HandlePieces: Send + 'static {
    /// The value that all pieces of a whole share.
    type Whole: Send + Sync + 'static;
    /// The parts that arrive: a [`Part`](super::Part).
    type In: Parts;
    /// The parts that are passed on.
    type Out: Parts;
    /// The state of a whole, kept from its beginning to its end.
    type State: Send + 'static;
    /// The reason for which a whole fails: a [`Reason`], a [`BoxError`](crate::BoxError), or a type of your own.
    type Error: Into<Reason> + Send;

    /// Begins a whole.
    ///
    /// # Errors
    ///
    /// The reason for which the whole is rejected.
    fn begin(
        &mut self,
        whole: &Self::Whole,
        begin: <Self::In as Parts>::Begin,
    ) -> impl Future<Output = Result<Begun<Self>, Self::Error>> + Send;

    /// Handles the next part.
    ///
    /// # Errors
    ///
    /// The reason for which the whole is rejected. The state is given to [`abandon`](Self::abandon).
    fn next(
        &mut self,
        whole: &Self::Whole,
        state: &mut Self::State,
        next: <Self::In as Parts>::Next,
    ) -> impl Future<Output = Result<<Self::Out as Parts>::Next, Self::Error>> + Send;

    /// Handles the last part.
    ///
    /// # Errors
    ///
    /// The reason for which the whole is rejected; nothing of the state may then be left behind.
    fn end(
        &mut self,
        whole: &Self::Whole,
        state: Self::State,
        end: <Self::In as Parts>::End,
    ) -> impl Future<Output = Result<<Self::Out as Parts>::End, Self::Error>> + Send;

    /// Discards the state of a dead whole, or of one that is unfinished when the stage ends. Not called if the stage
    /// panics: then the state is dropped. Default: drops it.
    fn abandon(&mut self, state: Self::State) -> impl Future<Output = ()> + Send {
        drop(state);
        ready(())
    }
}
