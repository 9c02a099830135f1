//! Check that a running pipeline does not allocate: ten thousand batches without a call of the allocator.
//!
//! It is a single test, since the harness allocates when it reports one test while another runs. It uses one
//! thread, so the work of all stages between two batches of the sink falls between two readings of the
//! counter.
#![forbid(unsafe_code)]

use std::{
    alloc::System,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use stage_core::{
    Consumer, Context, Demand, Emitter, Events, Pipeline, Producer, ProducerConsumer, StageResult,
    StepOptions,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Batches until every buffer has reached its final size.
const WARM_UP: u64 = 1_000;

/// Batches during which nothing may be allocated.
const MEASURED: u64 = 10_000;

/// Counts up until it is stopped.
struct Count {
    next: u64,
    stop: Arc<AtomicBool>,
}

impl Producer for Count {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if self.stop.load(Ordering::Relaxed) {
            out.finish();
            return Ok(());
        }
        let end = self.next + demand.get() as u64;
        out.extend(self.next..end);
        self.next = end;
        Ok(())
    }
}

struct AddOne;

impl ProducerConsumer for AddOne {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().map(|x| x.wrapping_add(1)));
        Ok(())
    }
}

/// Reads the allocator's counters after the warm-up and after the measured batches, then stops the source.
struct Read {
    batches: u64,
    readings: Arc<Mutex<Vec<Stats>>>,
    stop: Arc<AtomicBool>,
}

impl Consumer for Read {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        self.batches += 1;
        if self.batches == WARM_UP || self.batches == WARM_UP + MEASURED {
            let now = ALLOCATOR.stats();
            self.readings.lock().expect("no reader panicked").push(now);
        }
        if self.batches > WARM_UP + MEASURED {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The arrangement of the stages.
#[derive(Clone, Copy, Debug)]
enum Form {
    Apart,
    /// All of them fused into one stage.
    Fused,
}

/// Runs a source, three steps and a sink, and returns both readings.
async fn readings(form: Form, max_demand: usize, min_demand: usize) -> Vec<Stats> {
    let stop = Arc::new(AtomicBool::new(false));
    let readings = Arc::new(Mutex::new(Vec::with_capacity(2)));
    let (stopping, stopped, read) = (Arc::clone(&stop), stop, Arc::clone(&readings));
    let count = move || {
        let stop = Arc::clone(&stopped);
        Ok(Count { next: 0, stop })
    };
    let sink = move || {
        let (readings, stop) = (Arc::clone(&read), Arc::clone(&stopping));
        Ok(Read { batches: 0, readings, stop })
    };
    let builder = Pipeline::builder("steady")
        .defaults(StepOptions::new().min_demand(min_demand).max_demand(max_demand));
    let pipeline = match form {
        Form::Apart => builder
            .start(StepOptions::named("count"), count)
            .step(StepOptions::named("first"), || Ok(AddOne))
            .step(StepOptions::named("second"), || Ok(AddOne))
            .step(StepOptions::named("third"), || Ok(AddOne))
            .finish(StepOptions::named("read"), sink),
        Form::Fused => builder.fused("all", |stage| {
            let steps = stage.start(count).step(|| Ok(AddOne)).step_fn(|x| x.wrapping_add(1));
            steps.step(|| Ok(AddOne)).finish(sink)
        }),
    };
    let running = pipeline.start().await.expect("the pipeline starts");
    running.join().await.expect("the pipeline ends by itself");
    std::mem::take(&mut *readings.lock().expect("no reader panicked"))
}

#[test]
fn a_running_pipeline_allocates_nothing_per_batch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let forms = [Form::Apart, Form::Fused];
    let demands = [(1000, 500), (100, 50), (10, 1)];
    for (form, (max_demand, min_demand)) in
        forms.into_iter().flat_map(|form| demands.map(|demand| (form, demand)))
    {
        let readings = runtime.block_on(readings(form, max_demand, min_demand));
        let [warm, measured] = readings[..] else {
            panic!("two readings, not {readings:?}");
        };
        let change = measured - warm;
        let allocated = (change.allocations, change.reallocations, change.deallocations);
        assert_eq!(
            allocated,
            (0, 0, 0),
            "{form:?}, in {MEASURED} batches at {max_demand}/{min_demand}: {change:?}"
        );
    }
}
