//! The dead letters of an edge.

use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push, PutError};
use stage_edge::{DeadEvent, Letter, Letters};
use tokio_postgres::Row;

use super::server::Place;

/// The dead letters of an edge, as dead jobs of its lane.
#[derive(Debug)]
pub struct PostgresLetters {
    place: Place,
}

impl PostgresLetters {
    pub(super) const fn new(place: Place) -> Self {
        Self { place }
    }
}

impl Push for PostgresLetters {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.place.queue.link().await.map(drop)
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        let bury = &self.place.statements.bury;
        for (index, (id, letter)) in messages.iter().enumerate() {
            // An id among those of frames.
            let (id, payload) = (format!("dead.{id}"), &letter[..]);
            let read = Letter::read(letter).ok();
            let (attempts, cause) = read.map(|letter| (letter.attempts, letter.cause)).unwrap_or_default();
            let (attempts, cause) = (i32::try_from(attempts).unwrap_or(i32::MAX), cause.replace('\0', " "));
            let with = [
                self.place.lane() as &(dyn tokio_postgres::types::ToSql + Sync),
                &id,
                &payload,
                &attempts,
                &cause,
            ];
            if let Err(error) = self.place.execute("cannot store a dead letter", bury, &with).await {
                return PutError::from(error).behind(index);
            }
        }
        Ok(messages.len())
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}

impl Letters for PostgresLetters {
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadEvent>, ConnectError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let dead = &self.place.statements.dead;
        let rows =
            self.place.query("cannot read dead letters", dead, &[self.place.lane(), &after, &limit]).await?;
        self.place.read(&rows, |row| dead_event(&self.place.edge, row))
    }

    async fn remove(&self, number: u64) -> Result<bool, ConnectError> {
        let Ok(number) = i64::try_from(number) else { return Ok(false) };
        let remove = &self.place.statements.remove;
        let removed =
            self.place.execute("cannot remove a dead letter", remove, &[self.place.lane(), &number]).await?;
        Ok(removed > 0)
    }
}

fn dead_event(edge: &str, row: &Row) -> Result<DeadEvent, tokio_postgres::Error> {
    let (number, payload): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
    let letter = if let Ok(letter) = Letter::read(payload) {
        letter
    } else {
        // A frame that is dead as a whole.
        let (attempts, cause): (i32, &str) = (row.try_get(2)?, row.try_get(3)?);
        let position = format!("{edge}.frame-{number}");
        Letter::of_message(edge, &position, attempts.unsigned_abs(), cause, payload)
    };
    Ok(DeadEvent::new(number.unsigned_abs(), letter))
}
