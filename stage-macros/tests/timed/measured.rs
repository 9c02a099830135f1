//! The log line of a call, and the contents of the histogram.

use std::panic::catch_unwind;
use std::time::Duration;

use stage_core::timed;
use stage_core::timed::histogram;
use tokio::time::sleep;
use tracing::Level;
use tracing::subscriber::with_default;

use crate::log::Log;

#[timed(unit = "secs", args)]
fn add(left: u32, r#type: &str) -> usize {
    left as usize + r#type.len()
}

#[timed(unit = "ms", level = "info", name = "wait", args(millis))]
async fn wait(millis: u64, _secret: &str) -> u64 {
    sleep(Duration::from_millis(millis)).await;
    millis
}

#[timed(name = "failing")]
fn fails() {
    panic!("on purpose");
}

#[timed(level = "trace", name = "quiet")]
fn quiet() -> u32 {
    7
}

#[timed(name = "off")]
fn off() -> u32 {
    7
}

#[timed(name = "counted")]
fn counted() {}

#[test]
fn a_call_is_a_span_and_ends_with_its_time_in_its_unit() {
    let log = Log::up_to(Level::DEBUG);
    assert_eq!(with_default(log.clone(), || add(3, "ab")), 5);
    assert_eq!(
        log.lines(),
        [
            "DEBUG add left=3 type=\"ab\"",
            "in",
            "out",
            "timed::measured took … secs to run timed::measured::add unit=\"secs\"",
        ]
    );
}

#[test]
fn a_future_is_in_its_span_while_it_is_polled_and_measured_with_its_waits() {
    let log = Log::up_to(Level::INFO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(with_default(log.clone(), || runtime.block_on(wait(20, "hidden"))), 20);
    let lines = log.lines();
    assert_eq!(lines.first().unwrap(), "INFO wait millis=20");
    assert_eq!(lines.last().unwrap(), "timed::measured took … ms to run wait unit=\"ms\"");
    let entered = lines.iter().filter(|line| *line == "in").count();
    assert!(entered >= 2, "{lines:?}");
    assert_eq!(entered, lines.iter().filter(|line| *line == "out").count());
    let times = histogram("wait").unwrap();
    assert_eq!(times.count(), 1);
    assert!(times.max().unwrap() >= Duration::from_millis(20), "{times:?}");
}

#[test]
fn a_future_that_is_dropped_is_measured_until_then() {
    #[timed(name = "dropped")]
    async fn pending() {
        std::future::pending().await
    }
    let log = Log::up_to(Level::DEBUG);
    with_default(log, || {
        let mut future = Box::pin(pending());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert_eq!(histogram("dropped").unwrap().count(), 0);
    });
    assert_eq!(histogram("dropped").unwrap().count(), 1);
}

#[test]
fn a_call_that_panics_is_measured_too() {
    let log = Log::up_to(Level::DEBUG);
    assert!(with_default(log.clone(), || catch_unwind(fails)).is_err());
    assert_eq!(log.lines().last().unwrap(), "timed::measured took … µs to run failing unit=\"µs\"");
    assert_eq!(histogram("failing").unwrap().count(), 1);
}

#[test]
fn a_call_whose_span_is_off_is_not_measured() {
    assert_eq!(off(), 7);
    let log = Log::up_to(Level::DEBUG);
    assert_eq!(with_default(log.clone(), quiet), 7);
    assert_eq!(log.lines(), Vec::<String>::new());
    assert!(histogram("quiet").is_none() && histogram("off").is_none());
}

#[test]
fn every_call_of_every_thread_is_in_the_histogram() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                with_default(Log::up_to(Level::DEBUG), || (0..250).for_each(|_| counted()));
            });
        }
    });
    assert_eq!(histogram("counted").unwrap().count(), 1000);
    assert_eq!(timed::histograms().iter().filter(|(name, _)| *name == "counted").count(), 1);
}
