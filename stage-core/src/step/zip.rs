//! The step that pairs the events of two inputs.

use std::collections::VecDeque;
use std::marker::PhantomData;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use super::side::{Feeds, Side};
use crate::ack::Token;
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Pairs the first event of the left input with the first of the right one, the second with the second, and so on.
///
/// ```
/// use stage_core::pipeline;
/// # use std::sync::mpsc::Sender;
/// use stage_core::step::{Side, zip};
///
/// pipeline! {
///     Named(sent: Sender<(u32, &'static str)>) {
///         start  1..=3, name: "numbers";
///         then   |number| Side::<u32, &str>::Left(number);
///         start  || ["one", "two", "three", "four"], name: "names";
///         then   |name| Side::<u32, &str>::Right(name);
///         step   zip();
///         finish |pair| sent.send(pair).expect("the receiver is alive");
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sent, pairs) = std::sync::mpsc::channel();
/// Named::new(sent).start().await?.join().await?;
/// assert_eq!(pairs.iter().collect::<Vec<_>>(), [(1, "one"), (2, "two"), (3, "three")]);
/// # Ok(())
/// # }
/// ```
///
/// The inputs come from different producers, since a producer that waits for one side cannot send the other. Of a side
/// with several producers, events count in the order of their arrival.
///
/// # Demand
///
/// The step holds at most `max_demand` events of each producer, and asks each again for as many of its events as were
/// paired: the slower side sets the pace.
///
/// # End
///
/// It finishes when no more pairs can come: the producers of a side have ended, and its events are paired. A producer
/// that failed and is restarted continues its side. The rest of the other side is
/// discarded and counted, and returns to its source untried in an acknowledged pipeline. For deliveries, see
/// [`acknowledged::zip`](super::acknowledged::zip).
pub fn zip<L, R>() -> impl ProducerConsumer<In = Side<L, R>, Out = (L, R)>
where
    L: Send + 'static,
    R: Send + 'static,
{
    zipping::<Plain, L, R>()
}

pub(super) fn zipping<C, L, R>() -> impl ProducerConsumer<In = C::Of<Side<L, R>>, Out = C::Of<(L, R)>>
where
    C: Carry,
    L: Send + 'static,
    R: Send + 'static,
{
    Deciding::new(Zip::<C, L, R>::default())
}

/// Events of one side that wait for the other, with the lines that they came by.
type Waiting<C, L, R> = VecDeque<(Line, <C as Carry>::Of<Side<L, R>>)>;

/// A pair, with the lines of its events.
type Paired<C, L, R> = ([Line; 2], <C as Carry>::Of<(L, R)>);

pub(super) struct Zip<C: Carry, L, R>
where
    L: Send + 'static,
    R: Send + 'static,
{
    left: Waiting<C, L, R>,
    right: Waiting<C, L, R>,
    feeds: Feeds,
    carry: PhantomData<fn() -> C>,
}

impl<C: Carry, L: Send + 'static, R: Send + 'static> Default for Zip<C, L, R> {
    fn default() -> Self {
        Self { left: VecDeque::new(), right: VecDeque::new(), feeds: Feeds::default(), carry: PhantomData }
    }
}

impl<C: Carry, L: Send + 'static, R: Send + 'static> Zip<C, L, R> {
    fn next_pair(&mut self) -> Option<Paired<C, L, R>> {
        if self.left.is_empty() || self.right.is_empty() {
            return None;
        }
        let ((left_line, left), (right_line, right)) = (self.left.pop_front()?, self.right.pop_front()?);
        let ((left, left_token), (right, right_token)) = (C::open(left), C::open(right));
        let (Side::Left(left), Side::Right(right)) = (left, right) else { return None };
        let pair = C::close((left, right), join(left_token, right_token));
        Some(([left_line, right_line], pair))
    }
}

/// Joins two tokens, of which either may be untracked.
#[inline]
fn join(left: Token, right: Token) -> Token {
    Token::join([left, right].into_iter().filter(Token::is_tracked))
}

impl<C: Carry, L: Send + 'static, R: Send + 'static> Decide for Zip<C, L, R> {
    type In = C::Of<Side<L, R>>;
    type Out = C::Of<(L, R)>;

    const QUEUES: bool = true;
    const WAITS: bool = true;

    fn joined(&mut self, line: Line) {
        self.feeds.open(line);
    }

    fn left(&mut self, line: Line, ended: bool, _out: &mut Output<Self>) {
        self.feeds.close(line, ended);
    }

    fn take(&mut self, event: Self::In, line: Line, _now: Instant, _out: &mut Output<Self>) {
        let side = C::peek(&event);
        self.feeds.sent(line, side);
        let queue = match side {
            Side::Left(_) => &mut self.left,
            Side::Right(_) => &mut self.right,
        };
        queue.push_back((line, event));
    }

    fn serve(&mut self, _now: Instant, room: usize, out: &mut Output<Self>) {
        for _ in 0..room {
            let Some((lines, pair)) = self.next_pair() else { break };
            for line in lines {
                out.used(line);
            }
            out.emit(pair);
        }
        let (lefts, rights) = self.feeds.may_send();
        if (self.left.is_empty() && !lefts) || (self.right.is_empty() && !rights) {
            self.left.drain(..).chain(self.right.drain(..)).for_each(|(_, event)| out.give_back(event));
            out.finish();
        }
    }

    fn held(&self) -> usize {
        self.left.len() + self.right.len()
    }
}
