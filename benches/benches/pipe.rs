//! How fast is the pipe, ours and the peers', in events per second? `cargo bench -p benches --bench pipe`

use std::time::Duration;

use benches::{
    pipe::{Contender, SHAPES, Shape},
    runtime::runtime,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Events of one iteration: long against building the pipe, short against a sample.
fn events(contender: Contender, shape: Shape) -> u64 {
    match contender {
        Contender::Us | Contender::TokioVec => 10_000 * shape.batch() as u64,
        Contender::TokioItem => 200_000,
    }
}

fn pipe(criterion: &mut Criterion) {
    let runtime = runtime().expect("a runtime");
    for shape in SHAPES {
        let mut group = criterion.benchmark_group(format!("pipe/{shape}"));
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        group.sample_size(20);
        for contender in Contender::ALL {
            let events = events(contender, shape);
            group.throughput(Throughput::Elements(events));
            group.bench_function(contender.name(), |bencher| {
                bencher.iter(|| contender.round(&runtime, shape, events).expect("a right sum"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, pipe);
criterion_main!(benches);
