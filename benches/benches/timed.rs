//! What does `#[timed]` cost a call while nobody takes its span? `cargo bench -p benches --bench timed`

#![allow(clippy::unused_async, reason = "what is measured is the call, not what it waits for")]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
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

#[inline(never)]
async fn plain_future(number: u64) -> u64 {
    number.rotate_left(7) ^ 5
}

#[timed(args)]
#[inline(never)]
async fn measured_future(number: u64) -> u64 {
    number.rotate_left(7) ^ 5
}

fn ready(future: impl Future<Output = u64>) -> u64 {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(number) => number,
        Poll::Pending => unreachable!("these never wait"),
    }
}

fn timed(criterion: &mut Criterion) {
    assert_eq!((plain(3), ready(plain_future(3))), (measured(3), ready(measured_future(3))));
    let mut group = criterion.benchmark_group("timed");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.bench_function("plain function", |bencher| bencher.iter(|| plain(black_box(1))));
    group.bench_function("measured function, off", |bencher| bencher.iter(|| measured(black_box(1))));
    group
        .bench_function("plain async function", |bencher| bencher.iter(|| ready(plain_future(black_box(1)))));
    group.bench_function("measured async function, off", |bencher| {
        bencher.iter(|| ready(measured_future(black_box(1))));
    });
    group.finish();
}

criterion_group!(benches, timed);
criterion_main!(benches);
