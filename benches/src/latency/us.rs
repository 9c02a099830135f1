//! Latency of this project: a pipeline whose source waits for a ticket before each event.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Init, Pipeline, Producer, StageResult, StepOptions,
    watch::Board,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Returns the latency of each of `events` events.
pub(super) async fn run(steps: usize, events: u64) -> Vec<Duration> {
    run_on(steps, events, None).await
}

/// Same as [`run`]; meanwhile, the pipeline is on `board`.
pub(super) async fn run_on(steps: usize, events: u64, board: Option<Board>) -> Vec<Duration> {
    let (ticket, tickets) = channel(1);
    let times = Arc::new(Mutex::new(Vec::with_capacity(usize::try_from(events).unwrap_or_default())));
    let (tickets, seen) = (Mutex::new(Some(tickets)), Arc::clone(&times));
    let one = StepOptions::new().min_demand(0).max_demand(1);
    let mut chain = Pipeline::builder("latency").defaults(one).start("source", move || {
        let tickets = tickets.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Source { tickets: tickets.ok_or("the source is not started again")?, number: 0, events })
    });
    for step in 1..=steps {
        let add = |(number, began): (u64, Instant)| (number.wrapping_add(1), began);
        chain = chain.step_fn(StepOptions::named(format!("add_{step}")), add);
    }
    let pipeline = chain.finish("sink", move || {
        Ok(Sink { ticket: ticket.clone(), times: Arc::clone(&seen), own: Vec::new() })
    });
    let running = pipeline.start().await.expect("the pipe starts");
    if let Some(board) = &board {
        board.add("latency", &running).expect("one round at a time");
    }
    running.join().await.expect("the pipe ends by itself");
    board.and_then(|board| board.remove("latency"));
    std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Source {
    tickets: Receiver<()>,
    number: u64,
    events: u64,
}

impl Producer for Source {
    type Event = (u64, Instant);

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        if self.number == self.events || self.tickets.recv().await.is_none() {
            out.finish();
            return Ok(());
        }
        out.emit((self.number, Instant::now()));
        self.number += 1;
        Ok(())
    }
}

struct Sink {
    ticket: Sender<()>,
    times: Arc<Mutex<Vec<Duration>>>,
    own: Vec<Duration>,
}

impl Consumer for Sink {
    type Event = (u64, Instant);

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.ticket.send(()).await.unwrap_or_default();
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for (_, began) in events {
            self.own.push(began.elapsed());
            // The source may be gone when the last ticket is returned.
            self.ticket.send(()).await.unwrap_or_default();
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &stage_core::ExitReason) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.own);
    }
}
