//! Enqueues jobs, some with a key, and handles all of them; several of these programs share the work.
#![forbid(unsafe_code)]

use stage_connect::{PullOptions, source};
use stage_core::{BoxError, Pipeline};
use stage_postgres::{NewJob, Queue, QueueOptions, Server};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).ok_or("usage: jobs postgres://USER:PASSWORD@HOST:PORT/DATABASE")?;
    let queue = Queue::new(Server::new(&address)?, QueueOptions::new())?;
    queue.setup().await?;
    let jobs = (0..20).map(|number| {
        let job = NewJob::new(format!("job {number}"));
        if number % 2 == 0 { job.key("even") } else { job }
    });
    queue.enqueue(jobs).await?;
    let source = queue.clone();
    let pipeline = Pipeline::builder("jobs")
        .start("queue", move || Ok(source::pulled(source.pull().until_empty(), PullOptions::new())))
        .acknowledged()
        .finish_fn("print", |job| {
            println!("{}, attempt {}", String::from_utf8_lossy(&job.payload), job.attempt);
        });
    let report = pipeline.start().await?.join().await?;
    println!("{}; {:?}", report.settlement, queue.counts().await?);
    Ok(())
}
