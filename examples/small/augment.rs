//! Completes events from a database: a step that runs several look-ups concurrently and keeps the order.
//!
//! At most four queries run at once for each batch, each on its own connection and thread. Demand alone
//! bounds the number of events in flight.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use rusqlite::Connection;
use stage_core::stage::FromIter;
use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult, pipeline, sink};

/// A stored file as queued: its number, its user, its size.
type Media = (u32, u32, u64);

/// The same with the address of its user.
type Augmented = (Media, String);

/// Number of concurrent look-ups.
const CONCURRENCY: usize = 4;

/// The free connections; there are as many as concurrent look-ups.
#[derive(Clone)]
struct Pool(Arc<Mutex<Vec<Connection>>>);

impl Pool {
    fn open(path: &std::path::Path) -> rusqlite::Result<Self> {
        let connections: Result<_, _> = (0..CONCURRENCY).map(|_| Connection::open(path)).collect();
        Ok(Self(Arc::new(Mutex::new(connections?))))
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks up the user, on a thread that may block.
    async fn augment(self, media: Media) -> Result<Augmented, BoxError> {
        let done = tokio::task::spawn_blocking(move || {
            let connection = self.free().pop().ok_or("more look-ups than connections")?;
            let found =
                connection.query_row("SELECT address FROM users WHERE id = ?1", [media.1], |row| row.get(0));
            self.free().push(connection);
            Ok((media, found?))
        });
        done.await?
    }
}

/// Adds the addresses of their users to media.
struct Augment(Pool);

impl ProducerConsumer for Augment {
    type In = Media;
    type Out = Augmented;

    async fn handle_events(
        &mut self,
        media: Events<'_, Media>,
        out: &mut Emitter<'_, Augmented>,
    ) -> StageResult {
        let lookups: Vec<_> = media.into_iter().map(|media| self.0.clone().augment(media)).collect();
        let augmented: Vec<_> = stream::iter(lookups).buffered(CONCURRENCY).try_collect().await?;
        out.extend(augmented);
        Ok(())
    }
}

/// Collects the results.
type All = sink::Collect<Vec<Augmented>, Augmented>;

pipeline! {
    /// Completes media from the database.
    Complete(media: Vec<Media>, pool: Pool, all: All) {
        start  FromIter::new(media);
        step   Augment(pool), max_demand: 16, min_demand: 8;
        finish all;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("users.db");
    let users = ["andre_albuquerque@elixir.pt", "daniel_caixinha@elixir.pt", "jose_valim@elixir.br"];
    let database = Connection::open(&path)?;
    database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, address TEXT NOT NULL)", [])?;
    for (id, address) in (1..).zip(users) {
        database.execute("INSERT INTO users VALUES (?1, ?2)", (id, address))?;
    }

    let media: Vec<Media> = (0..200).map(|id| (id, 1 + id % 3, 100 * u64::from(id))).collect();
    let (all, completed) = sink::collect();
    Complete::new(media, Pool::open(&path)?, all).start().await?.join().await?;
    let completed = completed.await?;
    for ((id, _, size), address) in completed.iter().take(3) {
        println!("{id}: {size} bytes of {address}");
    }
    let in_order = completed.iter().map(|((id, ..), _)| *id).eq(0..200);
    println!("{} completed, in order: {in_order}", completed.len());
    Ok(())
}
