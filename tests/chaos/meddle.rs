//! Interference with a running pipeline: its stages are stopped and cut off, others subscribe and cancel, and
//! finally it is stopped, or drained with a short or long deadline, unless it has ended by itself.

use std::time::Duration;

use stage_core::{ExitReason, Pipeline, PipelineError, Report, Running};
use stage_sqlite::Source;

use crate::PATIENCE;
use crate::books::Books;
use crate::chance::Chance;
use crate::log::Log;
use crate::stages::Shaky;
use crate::visitor::{Visit, Visitor};

/// Runs one pipeline, interferes with it until it ends, and waits for its visitors.
pub(crate) async fn run(pipeline: Pipeline, chance: &Chance, log: &Log, books: &mut Books) -> Report {
    let running = pipeline.start().await.unwrap();
    let mut visits = Vec::new();
    let ended = loop {
        let next = log.handled() + chance.below(200);
        tokio::select! {
            ended = running.join() => break ended,
            () = log.reached(next) => match chance.below(12) {
                0 => break running.stop().await,
                1 => break running.drain(Duration::from_millis(chance.below(20))).await,
                2 => break running.drain(PATIENCE).await,
                3..8 => visits.extend(visit(&running, chance, log).await),
                _ => books.blows += u64::from(strike(&running, chance)),
            },
        }
    };
    for visit in &visits {
        visit.ended().await;
    }
    books.visits += visits.len() as u64;
    match ended {
        Ok(report) => report,
        Err(PipelineError::Failed { stage, reason, .. }) => panic!("{stage} {reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// Subscribes a visitor to one of the copies; the chosen copy may not exist.
async fn visit(running: &Running, chance: &Chance, log: &Log) -> Option<Visit> {
    let copy = usize::try_from(chance.below(4)).unwrap();
    let shaky = running.producer_consumer::<Shaky>("shaky", copy).ok()?;
    Some(Visitor::come(&shaky.producer(), chance, log).await)
}

/// Ends a stage from outside; returns whether there was such a stage.
fn strike(running: &Running, chance: &Chance) -> bool {
    let reason = ExitReason::Custom("by chance".to_owned());
    let copy = usize::try_from(chance.below(4)).unwrap();
    match chance.below(4) {
        0 => running.producer::<Source>("queue", 0).unwrap().stop_soon(reason),
        fate => match running.producer_consumer::<Shaky>("shaky", copy) {
            Ok(shaky) if fate == 1 => shaky.stop_soon(reason),
            Ok(shaky) => shaky.abort(),
            Err(_) => return false,
        },
    }
    true
}
