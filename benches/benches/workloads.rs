//! Benchmark of each workload, for this project and its peers: `cargo bench -p benches --bench workloads --
//! words`.

use std::time::Duration;

use benches::{
    catalogue::{Scale, all},
    runtime::runtime,
    workload::{Contender, Unit, Workload},
};
use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tokio::runtime::Runtime;

/// Duration of one iteration: long compared with the set-up of a contender, short compared with a sample.
const ITERATION: Duration = Duration::from_millis(20);

fn workloads(criterion: &mut Criterion) {
    let runtime = runtime().expect("a runtime");
    for workload in all(Scale::Full) {
        let mut group = criterion.benchmark_group(&workload.name);
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        group.sample_size(10);
        let peers = workload.peers.iter().map(|peer| &peer.contender);
        for contender in [&workload.us].into_iter().chain(peers) {
            bench(&mut group, &workload, contender, &runtime);
        }
        group.finish();
    }
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    workload: &Workload,
    contender: &Contender,
    runtime: &Runtime,
) {
    // Determined when criterion runs the benchmark: a filter may skip it.
    let mut size = None;
    if let Unit::Rate(..) = workload.unit {
        group.throughput(Throughput::Elements(1));
    }
    group.bench_function(contender.name, |bencher| {
        let size = *size
            .get_or_insert_with(|| contender.fit(runtime, ITERATION, workload.least).expect("a size").size);
        bencher.iter_custom(|times| {
            let rounds = (0..times).map(|_| contender.round(runtime, size).expect("a right result"));
            // Scaled to one unit: criterion shows the time per unit, and the units per second.
            let whole: Duration = rounds.sum();
            match workload.unit {
                Unit::Rate(_, each) => whole.div_f64(size_of(size) * each),
                Unit::Microseconds => whole,
            }
        });
    });
}

/// Sizes stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
const fn size_of(size: u64) -> f64 {
    size as f64
}

criterion_group!(benches, workloads);
criterion_main!(benches);
