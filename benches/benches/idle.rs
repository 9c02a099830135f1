//! Benchmark of a batch beside idle subscribers: `cargo bench -p benches --bench idle`.

use std::time::Duration;

use benches::idle::{Bench, CROWDS, Dispatching};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn idle(criterion: &mut Criterion) {
    for dispatching in Dispatching::ALL {
        let mut group = criterion.benchmark_group(format!("idle/{dispatching}"));
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        group.sample_size(30);
        for crowd in CROWDS {
            let bench = Bench::start(dispatching, crowd);
            group.bench_function(BenchmarkId::from_parameter(crowd), |bencher| {
                bencher.iter_custom(|batches| bench.batches(batches));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, idle);
criterion_main!(benches);
