//! The time of a scrape: the OpenMetrics text of a pipeline with a thousand copies of a step, by copy and by step.
#![forbid(unsafe_code)]

use criterion::{Criterion, criterion_group, criterion_main};
use stage_core::watch::{Board, OpenMetrics};
use stage_core::{Pipeline, StepOptions};

fn scrape(criterion: &mut Criterion) {
    let runtime = benches::runtime::runtime().expect("a runtime");
    let pipeline = Pipeline::builder("many")
        .start_fn("numbers", || Ok(0..100_000_u64))
        .step_fn(StepOptions::named("work").count(1_000), |number| number)
        .finish_fn("sink", |_| ());
    let running = runtime.block_on(pipeline.start()).expect("it starts");
    let board = Board::new();
    board.add("many", &running).expect("free");
    runtime.block_on(running.join()).expect("it ends");
    let mut group = criterion.benchmark_group("scrape");
    let mut text = String::new();
    for (name, options) in
        [("1000-copies", OpenMetrics::new().per_copy()), ("1000-copies-by-step", OpenMetrics::new())]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                text.clear();
                options.write(&board, &mut text);
                assert!(text.ends_with("# EOF\n"));
                text.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, scrape);
criterion_main!(benches);
