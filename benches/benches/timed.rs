//! Benchmark of a `#[timed]` call while its span is disabled: `cargo bench -p benches --bench timed`.

#![allow(clippy::unused_async, reason = "what is measured is the call, not what it waits for")]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stage_core::timed;

#[inline(never)]
fn plain(number: u64) -> u64 {
    number.rotate_left(7) ^ 5
}

#[timed(args)]
#[inline(never)]
fn measured(number: u64) -> u64 {
    number.rotate_left(7) ^ 5
}

async fn plain_future(number: u64) -> u64 {
    plain(number)
}

#[timed(args)]
async fn measured_future(number: u64) -> u64 {
    plain(number)
}

/// Number of calls in a row: reading the clock costs more than a single call.
const CALLS: u64 = 1000;

/// Makes the calls in a row, within a task.
fn in_a_row<F: Future<Output = u64>>(function: impl Fn(u64) -> F) -> u64 {
    let calls = async {
        let mut sum = 0_u64;
        for number in 0..CALLS {
            sum ^= function(black_box(number)).await;
        }
        sum
    };
    match pin!(calls).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(sum) => sum,
        Poll::Pending => unreachable!("these never wait"),
    }
}

fn functions_in_a_row(function: impl Fn(u64) -> u64) -> u64 {
    (0..CALLS).fold(0, |sum, number| sum ^ function(black_box(number)))
}

fn timed(criterion: &mut Criterion) {
    assert_eq!(functions_in_a_row(plain), functions_in_a_row(measured));
    assert_eq!(in_a_row(plain_future), in_a_row(measured_future));
    let mut group = criterion.benchmark_group("timed");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(CALLS));
    group.bench_function("plain function", |bencher| bencher.iter(|| functions_in_a_row(plain)));
    group.bench_function("measured function, off", |bencher| bencher.iter(|| functions_in_a_row(measured)));
    group.bench_function("plain async function", |bencher| bencher.iter(|| in_a_row(plain_future)));
    group
        .bench_function("measured async function, off", |bencher| bencher.iter(|| in_a_row(measured_future)));
    group.finish();
}

criterion_group!(benches, timed);
criterion_main!(benches);
