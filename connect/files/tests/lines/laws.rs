//! The source keeps the laws of connectors.

use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stage_connect::laws::{Counts, LawServer};
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use stage_files::{FilePull, FileSettle, Line, Receipt};

use crate::support::Log;

/// A log with numbers. It goes away with its folder.
struct Numbers {
    log: Log,
    away: PathBuf,
    delivered: Arc<AtomicU64>,
}

/// Counts the lines that were delivered.
struct Counted {
    pull: FilePull,
    delivered: Arc<AtomicU64>,
}

fn number(line: &Line) -> u64 {
    line.text().unwrap().parse().unwrap()
}

impl Pull for Counted {
    type Message = Line;
    type Receipt = Receipt;
    type Settle = FileSettle;

    const ACKS: Acks = FilePull::ACKS;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.pull.connect().await
    }

    fn settle_half(&mut self) -> FileSettle {
        self.pull.settle_half()
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Line, Receipt>>, ConnectError> {
        let pulled = self.pull.pull(at_most, wait).await?;
        for line in &pulled {
            self.delivered.fetch_max(number(&line.message) + 1, Ordering::Relaxed);
        }
        Ok(pulled)
    }

    fn describe(&self) -> String {
        self.pull.describe()
    }
}

impl LawServer for Numbers {
    type Pull = Counted;

    async fn start() -> Option<Self> {
        let log = Log::new("");
        let away = log.folder.path().with_extension("away");
        Some(Self { log, away, delivered: Arc::default() })
    }

    fn clients(&self) -> impl Fn() -> Counted + Send + 'static {
        let dead = self.log.folder.path().join("dead");
        let (follow, delivered) = (self.log.follow().dead_letters(dead), Arc::clone(&self.delivered));
        move || Counted { pull: follow.pull(), delivered: Arc::clone(&delivered) }
    }

    fn number(line: &Line) -> u64 {
        number(line)
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        for number in numbers {
            self.log.append(&format!("{number}\n"));
        }
    }

    async fn counts(&mut self) -> Counts {
        let folder = if self.away.exists() { &self.away } else { self.log.folder.path() };
        let text = fs::read(folder.join("logs/app.log")).unwrap();
        let checkpoint = fs::read_to_string(folder.join("app.checkpoint")).unwrap_or_default();
        let offset = checkpoint.lines().find_map(|line| line.strip_prefix("offset "));
        let offset: usize = offset.map_or(0, |offset| offset.parse().unwrap());
        let lines = |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').count() as u64;
        let (all, handled) = (lines(&text), lines(&text[..offset]));
        let delivered = self.delivered.load(Ordering::Relaxed).max(handled);
        let dead = fs::read(folder.join("dead")).map_or(0, |dead| lines(&dead));
        Counts { ready: all - delivered, in_flight: delivered - handled, dead }
    }

    async fn stop(&mut self) {
        fs::rename(self.log.folder.path(), &self.away).unwrap();
    }

    async fn restart(&mut self) {
        fs::rename(&self.away, self.log.folder.path()).unwrap();
    }
}

stage_connect::laws!(Numbers);
