//! The common part of all stages: keeps an entry per transfer, skips dead ones and passes failures on. A
//! stage only implements [`Work`].

use std::collections::HashMap;
use std::future::{Future, ready};

use super::{Failure, Hold, Part, Piece, Shape};
use crate::repository::{Transfer, TransferId};

/// The work of one stage on the parts of a transfer.
pub trait Work: Send {
    /// The shape of its input.
    type In: Shape;
    /// The shape of its output.
    type Out: Shape;
    /// The state kept from the beginning to the end of a transfer.
    type State: Send;

    /// Starts a transfer.
    fn begin(
        &mut self,
        transfer: &Transfer,
        begin: <Self::In as Shape>::Begin,
    ) -> impl Future<Output = Result<(Self::State, <Self::Out as Shape>::Begin), Failure>> + Send;

    /// Processes the next chunk.
    fn chunk(
        &mut self,
        state: &mut Self::State,
        chunk: <Self::In as Shape>::Chunk,
    ) -> impl Future<Output = Result<<Self::Out as Shape>::Chunk, Failure>> + Send;

    /// Finishes the transfer. On an error, nothing of it may be left behind.
    fn end(
        &mut self,
        transfer: &Transfer,
        state: Self::State,
        end: <Self::In as Shape>::End,
    ) -> impl Future<Output = Result<<Self::Out as Shape>::End, Failure>> + Send;

    /// Abandons a failed transfer; nothing of it may be left behind.
    fn give_up(&mut self, state: Self::State) -> impl Future<Output = ()> + Send {
        drop(state);
        ready(())
    }
}

/// The transfers that one stage has in progress.
#[derive(Debug)]
pub struct Table<S> {
    entries: HashMap<TransferId, Entry<S>>,
}

#[derive(Debug)]
struct Entry<S> {
    /// Declared before the hold, so that a failing stage drops its state before the hold.
    state: S,
    next: u64,
    hold: Hold,
}

impl<S> Default for Table<S> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<S: Send> Table<S> {
    /// Processes one piece. Returns the same part in its next shape, or `Broken` if the transfer is dead or
    /// this work fails it.
    pub async fn handle<W: Work<State = S>>(&mut self, work: &mut W, piece: Piece<W::In>) -> Piece<W::Out> {
        let Piece { hold, part } = piece;
        if hold.is_dead() {
            return self.bury(work, hold).await;
        }
        let made = match part {
            Part::Begin(begin) => self.begin(work, &hold, begin).await.map(Part::Begin),
            Part::Chunk(index, chunk) => {
                self.chunk(work, &hold, index, chunk).await.map(|chunk| Part::Chunk(index, chunk))
            }
            Part::End(end) => self.end(work, &hold, end).await.map(Part::End),
            Part::Broken => Err(Failure::lost()),
        };
        match made {
            Ok(part) => Piece { hold, part },
            Err(failure) => {
                hold.fail(failure);
                self.bury(work, hold).await
            }
        }
    }

    /// Abandons all unfinished transfers when the stage ends.
    pub async fn clear<W: Work<State = S>>(&mut self, work: &mut W) {
        for (_, entry) in self.entries.drain() {
            work.give_up(entry.state).await;
        }
    }

    async fn begin<W: Work<State = S>>(
        &mut self,
        work: &mut W,
        hold: &Hold,
        begin: <W::In as Shape>::Begin,
    ) -> Result<<W::Out as Shape>::Begin, Failure> {
        let (state, begin) = work.begin(hold.transfer(), begin).await?;
        self.entries.insert(hold.key(), Entry { state, next: 0, hold: hold.again() });
        Ok(begin)
    }

    async fn chunk<W: Work<State = S>>(
        &mut self,
        work: &mut W,
        hold: &Hold,
        index: u64,
        chunk: <W::In as Shape>::Chunk,
    ) -> Result<<W::Out as Shape>::Chunk, Failure> {
        let entry = self.entries.get_mut(&hold.key()).ok_or_else(Failure::lost)?;
        debug_assert_eq!(index, entry.next, "chunks of a transfer come in order");
        if index != entry.next {
            return Err(Failure::passing(format!("received chunk {index} instead of chunk {}", entry.next)));
        }
        entry.next += 1;
        work.chunk(&mut entry.state, chunk).await
    }

    async fn end<W: Work<State = S>>(
        &mut self,
        work: &mut W,
        hold: &Hold,
        end: <W::In as Shape>::End,
    ) -> Result<<W::Out as Shape>::End, Failure> {
        let entry = self.entries.remove(&hold.key()).ok_or_else(Failure::lost)?;
        let ended = work.end(hold.transfer(), entry.state, end).await;
        entry.hold.handled();
        ended
    }

    /// Discards a dead transfer, and informs the next stage, which may have an entry for it.
    async fn bury<W: Work<State = S>>(&mut self, work: &mut W, hold: Hold) -> Piece<W::Out> {
        if let Some(Entry { hold, state, .. }) = self.entries.remove(&hold.key()) {
            work.give_up(state).await;
            hold.handled();
        }
        Piece { hold, part: Part::Broken }
    }
}
