//! The step that pairs each event with the latest one of the other input.

use std::marker::PhantomData;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::held_tokens::HeldTokens;
use super::lines::Line;
use super::side::Side;
use crate::ack::Token;
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Pairs each event with the latest one of the other input, as soon as both have sent one.
///
/// ```
/// use stage_core::pipeline;
/// # use std::sync::mpsc::Sender;
/// use stage_core::step::{Side, zip_latest};
///
/// pipeline! {
///     Priced(sent: Sender<(u32, &'static str)>) {
///         start  || [100], name: "rate";
///         then   |number| Side::<u32, &str>::Left(number);
///         start  || ["a", "b"], name: "orders";
///         then   |name| Side::<u32, &str>::Right(name);
///         step   zip_latest();
///         finish |pair| sent.send(pair).expect("the receiver is alive");
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sent, pairs) = std::sync::mpsc::channel();
/// Priced::new(sent).start().await?.join().await?;
/// assert_eq!(pairs.iter().last(), Some((100, "b")));
/// # Ok(())
/// # }
/// ```
///
/// An event that is followed by another of its side before the other side has sent any is left out.
///
/// # Demand
///
/// It takes events while pairs are asked for, of either side as they come.
///
/// # End
///
/// It ends when both sides have ended. For deliveries, see
/// [`acknowledged::zip_latest`](super::acknowledged::zip_latest).
pub fn zip_latest<L, R>() -> impl ProducerConsumer<In = Side<L, R>, Out = (L, R)>
where
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    zipping_latest::<Plain, L, R>()
}

pub(super) fn zipping_latest<C, L, R>() -> impl ProducerConsumer<In = C::Of<Side<L, R>>, Out = C::Of<(L, R)>>
where
    C: Carry,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    Deciding::new(ZipLatest::<C, L, R>::default())
}

pub(super) struct ZipLatest<C, L, R> {
    left: Option<L>,
    right: Option<R>,
    /// The token of the latest event until the other side sends its first.
    waiting: HeldTokens,
    carry: PhantomData<fn() -> C>,
}

impl<C, L, R> Default for ZipLatest<C, L, R> {
    fn default() -> Self {
        Self { left: None, right: None, waiting: HeldTokens::default(), carry: PhantomData }
    }
}

impl<C, L, R> ZipLatest<C, L, R>
where
    C: Carry,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    /// Returns the pair of the latest events, if there are both. `token` is that of the event that came.
    fn pair(&mut self, token: Token) -> Option<C::Of<(L, R)>> {
        self.waiting.add(token);
        let (left, right) = (self.left.as_ref()?, self.right.as_ref()?);
        Some(C::close((left.clone(), right.clone()), self.waiting.join()))
    }

    /// Takes the event that waits for a first one of the other side.
    fn take_waiting(&mut self) -> Option<C::Of<Side<L, R>>> {
        let side = match (&self.left, &self.right) {
            (Some(_), None) => self.left.take().map(Side::Left),
            (None, Some(_)) => self.right.take().map(Side::Right),
            (Some(_), Some(_)) | (None, None) => None,
        };
        Some(C::close(side?, self.waiting.join()))
    }
}

impl<C, L, R> Decide for ZipLatest<C, L, R>
where
    C: Carry,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    type In = C::Of<Side<L, R>>;
    type Out = C::Of<(L, R)>;

    fn take(&mut self, event: Self::In, _line: Line, _now: Instant, out: &mut Output<Self>) {
        let (side, token) = C::open(event);
        let follows = match &side {
            Side::Left(_) => self.left.is_some(),
            Side::Right(_) => self.right.is_some(),
        };
        if follows && let Some(earlier) = self.take_waiting() {
            out.leave_out(earlier);
        }
        match side {
            Side::Left(left) => self.left = Some(left),
            Side::Right(right) => self.right = Some(right),
        }
        if let Some(pair) = self.pair(token) {
            out.emit(pair);
        }
    }

    fn end(&mut self, out: &mut Output<Self>) {
        if let Some(alone) = self.take_waiting() {
            out.give_back(alone);
        }
    }

    fn held(&self) -> usize {
        usize::from(self.left.is_some() != self.right.is_some())
    }
}
