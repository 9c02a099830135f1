//! The dead letters of an edge.

use bytes::Bytes;
use rusqlite::{Row, params};
use stage_connect::{ConnectError, MessageId, Push, PutError};
use stage_edge::{DeadEvent, Letter, Letters};

use super::server::Place;
use crate::job::NewJob;
use crate::queue::now;
use crate::table::count;

/// The dead letters of an edge, as dead jobs of its lane.
#[derive(Debug)]
pub struct SqliteLetters {
    place: Place,
}

impl SqliteLetters {
    pub(super) const fn new(place: Place) -> Self {
        Self { place }
    }
}

/// Returns the id of a letter among those of frames.
fn id_of(id: &MessageId) -> String {
    format!("dead.{id}")
}

impl Push for SqliteLetters {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.place.run("cannot open", |_, _, _, _| Ok(())).await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        let messages = messages.to_vec();
        let stored = self.place.run("cannot store a dead letter", move |statements, table, lane, tx| {
            for (id, letter) in &messages {
                let (id, now) = (id_of(id), now());
                let mut known = tx.prepare_cached(&statements.is_known)?;
                if known.query_row(params![lane, id], |row| row.get(0))? {
                    continue;
                }
                let read = Letter::read(letter).ok();
                let (attempts, cause) =
                    read.map(|letter| (letter.attempts, letter.cause)).unwrap_or_default();
                for number in table.enqueue(tx, lane, [NewJob::new(letter.to_vec())], now)? {
                    tx.prepare_cached(&statements.take_number)?.execute([number.0])?;
                    let mut bury = tx.prepare_cached(&statements.bury)?;
                    bury.execute(params![number.0, lane, &letter[..], attempts, now, cause])?;
                    tx.prepare_cached(&statements.remember)?.execute(params![number.0, lane, id, now])?;
                }
            }
            Ok(messages.len())
        });
        Ok(stored.await?)
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}

impl Letters for SqliteLetters {
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadEvent>, ConnectError> {
        let edge = self.place.edge.clone();
        let listed = self.place.run("cannot read dead letters", move |statements, _, lane, tx| {
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let mut dead = tx.prepare_cached(&statements.dead)?;
            let dead = dead.query_map(params![lane, after, count(limit)], |row| dead_event(&edge, row))?;
            dead.collect::<rusqlite::Result<Vec<_>>>()
        });
        listed.await
    }

    async fn remove(&self, number: u64) -> Result<bool, ConnectError> {
        let Ok(number) = i64::try_from(number) else { return Ok(false) };
        let removed = self.place.run("cannot remove a dead letter", move |statements, _, lane, tx| {
            Ok(tx.prepare_cached(&statements.remove)?.execute(params![lane, number])? > 0)
        });
        removed.await
    }
}

fn dead_event(edge: &str, row: &Row<'_>) -> rusqlite::Result<DeadEvent> {
    let (number, payload): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let letter = if let Ok(letter) = Letter::read(&payload) {
        letter
    } else {
        // A frame that is dead as a whole.
        let (attempts, cause): (u32, String) = (row.get(2)?, row.get(3)?);
        Letter::of_message(edge, &format!("{edge}.frame-{number}"), attempts, &cause, &payload)
    };
    Ok(DeadEvent::new(number.unsigned_abs(), letter))
}
