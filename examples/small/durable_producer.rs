//! A queue that survives a crash: a producer over a table, whose events are done when they were handled.
//!
//! ```text
//!   table ── jobs that are not done ──▶ Jobs ══▶ Work ── marks each as done ──▶ table
//! ```
//!
//! The program works in a process of its own first, which is killed in the middle of a job. What that one had
//! not marked as done, a second producer delivers again: every job at least once.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, abort};

use rusqlite::Connection;
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Pipeline, Placement, Producer, Report, StageResult,
    StepOptions,
};

/// The number of a job, and what is to be done.
type Job = (u64, String);

/// Reads the jobs that are not done, as many as are asked for.
struct Jobs {
    database: Connection,
    /// The last job that was read; what comes after it was not handed out by this producer.
    last: u64,
}

impl Producer for Jobs {
    type Event = Job;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Job>) -> StageResult {
        let mut open = self
            .database
            .prepare_cached("SELECT id, what FROM jobs WHERE NOT done AND id > ?1 ORDER BY id LIMIT ?2")?;
        let rows = open.query_map((self.last, demand.get()), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let jobs: Vec<Job> = rows.collect::<Result<_, _>>()?;
        self.last = jobs.last().map_or(self.last, |(id, _)| *id);
        // Nothing is left. A service would keep the rest of the demand, and look again: `out.schedule`.
        if jobs.len() < demand.get() {
            out.finish();
        }
        out.extend(jobs);
        Ok(())
    }
}

/// Does the jobs, and marks each as done behind that.
struct Work {
    database: Connection,
    /// The job in which the machine fails.
    fatal: Option<u64>,
}

impl Consumer for Work {
    type Event = Job;

    async fn handle_events(&mut self, jobs: Events<'_, Job>, _: &mut Context<'_>) -> StageResult {
        for (id, what) in jobs {
            println!("{what}");
            if self.fatal == Some(id) {
                abort();
            }
            self.database.execute("UPDATE jobs SET done = TRUE WHERE id = ?1", [id])?;
        }
        Ok(())
    }
}

/// Does all jobs of the table, unless one is fatal.
async fn work(table: PathBuf, fatal: Option<u64>) -> Result<Report, BoxError> {
    // SQLite blocks, so its stages have threads of their own.
    let named = |name: &str| StepOptions::named(name).placement(Placement::Blocking);
    let path = table.clone();
    let pipeline = Pipeline::builder("durable")
        .defaults(StepOptions::new().max_demand(4).min_demand(2))
        .start(named("jobs"), move || Ok(Jobs { database: Connection::open(&path)?, last: 0 }))
        .finish(named("work"), move || Ok(Work { database: Connection::open(&table)?, fatal }));
    Ok(pipeline.start().await?.join().await?)
}

fn fill(table: &Path) -> rusqlite::Result<()> {
    let database = Connection::open(table)?;
    database
        .execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, what TEXT, done BOOLEAN DEFAULT FALSE)", [])?;
    for id in 1..=12 {
        database.execute("INSERT INTO jobs (what) VALUES (?1)", [format!("job {id}")])?;
    }
    Ok(())
}

fn done(table: &Path) -> rusqlite::Result<u64> {
    Connection::open(table)?.query_row("SELECT count(*) FROM jobs WHERE done", [], |row| row.get(0))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Some(table) = std::env::args_os().nth(1) {
        work(table.into(), Some(6)).await?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let table = folder.path().join("jobs.db");
    fill(&table)?;
    let first = Command::new(std::env::current_exe()?).arg(&table).status()?;
    println!("the first process was killed: {}; {} jobs are done", !first.success(), done(&table)?);
    let report = work(table.clone(), None).await?;
    println!("the second did {}; {} jobs are done", report.stages[1].events_in, done(&table)?);
    Ok(())
}
