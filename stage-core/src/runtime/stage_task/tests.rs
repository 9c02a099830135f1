//! Tests of which task polls a stage, with stages that wake each other, polled by hand; and of how a stage
//! and its task end together.

use std::future::{pending, poll_fn};
use std::task::Waker;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::*;
use crate::sync::{AtomicUsize, Mutex, Ordering, lock};
use crate::wire::signal::{Parking, Slot, WantsCredit};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn alone(stage: impl Future<Output = ExitReason> + Send + 'static) -> (StageTask, Arc<PollState>) {
    stage_task(stage, &Signal::new(), &Arc::default())
}

/// A stage that counts its polls, and wakes another stage on each one.
#[derive(Clone, Default)]
struct Partner {
    polls: Arc<AtomicUsize>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Partner {
    fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    fn waking(&self, other: &Self) -> impl Future<Output = ExitReason> + Send + 'static {
        let (own, other) = (self.clone(), other.clone());
        poll_fn(move |cx| {
            own.polls.fetch_add(1, Ordering::Relaxed);
            *lock(&own.waker) = Some(cx.waker().clone());
            if let Some(waker) = &*lock(&other.waker) {
                waker.wake_by_ref();
            }
            Poll::Pending
        })
    }
}

/// Two stages that wake each other, polled once each.
struct Pair {
    first: (Partner, StageTask),
    second: (Partner, StageTask),
    _runtimes: [Runtime; 2],
}

fn pair(second_on: usize) -> Pair {
    let runtimes = [runtime(), runtime()];
    let (first, second) = (Partner::default(), Partner::default());
    let build = |runtime: &Runtime, one: &Partner, other: &Partner| {
        let _within = runtime.enter();
        alone(one.waking(other)).0
    };
    let mut pair = Pair {
        first: (first.clone(), build(&runtimes[0], &first, &second)),
        second: (second.clone(), build(&runtimes[second_on], &second, &first)),
        _runtimes: runtimes,
    };
    // The second wakes the first, which goes to its own task, since it is not known to be quick.
    poll(&mut pair.first.1);
    poll(&mut pair.second.1);
    assert_eq!((pair.first.0.polls(), pair.second.0.polls()), (1, 1));
    pair
}

fn poll(stage_task: &mut StageTask) {
    assert!(Pin::new(stage_task).poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn quick(stage_task: &StageTask) {
    (0..20).for_each(|_| stage_task.state.measured(1));
}

fn short(stage_task: &StageTask) {
    (0..20).for_each(|_| stage_task.state.measured(10_000));
}

fn slow(stage_task: &StageTask) {
    (0..20).for_each(|_| stage_task.state.measured(1_000_000));
}

#[test]
fn quick_neighbours_take_turns_in_one_task_until_it_is_time_to_give_way() {
    let Pair { mut first, mut second, .. } = pair(0);
    quick(&first.1);
    quick(&second.1);
    poll(&mut first.1);
    let polls = (first.0.polls(), second.0.polls());
    assert!(polls.0 > 10 && polls.1 > 10, "{polls:?}");
    poll(&mut second.1);
    assert_eq!((first.0.polls(), second.0.polls()), polls, "the one that is left is with the first task");
    poll(&mut first.1);
    assert!(first.0.polls() > polls.0 && second.0.polls() > polls.1);
}

/// A quick stage that logs its name when its signal is marked, and then runs `then`.
fn told(
    name: &'static str,
    signal: &Arc<Signal>,
    log: &Arc<Mutex<Vec<&'static str>>>,
    mut then: impl FnMut() + Send + 'static,
) -> StageTask {
    let (mut parking, log) = (Parking::new(Arc::clone(signal)), Arc::clone(log));
    let stage = poll_fn(move |cx| {
        while parking.poll_marked(cx, WantsCredit::Yes).is_ready() {
            parking.take(0, |_| {});
            lock(&log).push(name);
            then();
        }
        Poll::Pending
    });
    let (mut stage_task, _) = stage_task(stage, signal, &Arc::default());
    poll(&mut stage_task);
    quick(&stage_task);
    stage_task
}

#[test]
fn a_stage_woken_for_events_is_polled_next_and_one_woken_for_credit_last() {
    let runtime = runtime();
    let _within = runtime.enter();
    let log = Arc::default();
    let signals = [(); 5].map(|()| Signal::new());
    let [start, left, middle, right, below] = signals.each_ref().map(Slot::claim);
    let first = told("first", &signals[0], &log, move || {
        left.mark();
        middle.mark_credit();
        right.mark();
    });
    let mut tasks = [
        first,
        told("left", &signals[1], &log, move || below.mark()),
        told("middle", &signals[2], &log, || {}),
        told("right", &signals[3], &log, || {}),
        told("below", &signals[4], &log, || {}),
    ];
    start.mark();
    poll(&mut tasks[0]);
    assert_eq!(*lock(&log), ["first", "left", "below", "right", "middle"]);
}

#[test]
fn stages_are_polled_in_the_order_in_which_one_stage_woke_them() {
    let runtime = runtime();
    let _within = runtime.enter();
    let log = Arc::default();
    let signals = [(); 6].map(|()| Signal::new());
    let [start, left, right, first_credited, second_credited, third_credited] =
        signals.each_ref().map(Slot::claim);
    let first = told("first", &signals[0], &log, move || {
        first_credited.mark_credit();
        left.mark();
        second_credited.mark_credit();
        right.mark();
    });
    let mut tasks = [
        first,
        told("left", &signals[1], &log, move || third_credited.mark_credit()),
        told("right", &signals[2], &log, || {}),
        told("first credited", &signals[3], &log, || {}),
        told("second credited", &signals[4], &log, || {}),
        told("third credited", &signals[5], &log, || {}),
    ];
    start.mark();
    poll(&mut tasks[0]);
    let order = ["first", "left", "right", "first credited", "second credited", "third credited"];
    assert_eq!(*lock(&log), order);
}

#[test]
fn a_short_stage_takes_along_stages_woken_for_events_but_not_for_credit() {
    let runtime = runtime();
    let _within = runtime.enter();
    let log = Arc::default();
    let signals = [(); 3].map(|()| Signal::new());
    let [start, before, behind] = signals.each_ref().map(Slot::claim);
    let first = told("first", &signals[0], &log, move || {
        before.mark_credit();
        behind.mark();
    });
    let mut tasks =
        [first, told("before", &signals[1], &log, || {}), told("behind", &signals[2], &log, || {})];
    short(&tasks[0]);
    start.mark();
    poll(&mut tasks[0]);
    assert_eq!(*lock(&log), ["first", "behind"]);
    poll(&mut tasks[1]);
    assert_eq!(*lock(&log), ["first", "behind", "before"]);
}

#[test]
fn a_slow_stage_is_polled_by_its_own_task() {
    let Pair { mut first, mut second, .. } = pair(0);
    quick(&first.1);
    slow(&second.1);
    poll(&mut first.1);
    assert_eq!((first.0.polls(), second.0.polls()), (2, 1));
    poll(&mut second.1);
    assert_eq!((first.0.polls(), second.0.polls()), (2, 2));
}

#[test]
fn no_stage_is_polled_behind_a_slow_one() {
    let Pair { mut first, second, .. } = pair(0);
    slow(&first.1);
    quick(&second.1);
    poll(&mut first.1);
    assert_eq!((first.0.polls(), second.0.polls()), (2, 1));
}

#[test]
fn a_stage_of_another_runtime_is_polled_there() {
    let Pair { mut first, mut second, .. } = pair(1);
    quick(&first.1);
    quick(&second.1);
    poll(&mut first.1);
    assert_eq!((first.0.polls(), second.0.polls()), (2, 1));
    poll(&mut second.1);
    assert_eq!(second.0.polls(), 2);
}

#[test]
fn stages_left_in_a_dropped_task_return_to_their_own_tasks() {
    let Pair { mut first, mut second, .. } = pair(0);
    quick(&first.1);
    quick(&second.1);
    poll(&mut first.1);
    let left = first.1.rest.len();
    assert_eq!(left, 1);
    let before = second.0.polls();
    drop(first.1);
    poll(&mut second.1);
    // The stage left is either the second, or the first, which is dropped with its task.
    assert!(second.0.polls() <= before + 1);
    assert!(second.1.rest.is_empty());
}

#[test]
fn a_stage_that_is_cut_off_is_dropped_at_its_next_wait() {
    let runtime = runtime();
    runtime.block_on(async {
        let (held, dropped) = oneshot::channel::<()>();
        let (up, is_up) = oneshot::channel();
        let (stage_task, state) = alone(async move {
            let _held = held;
            let _ = up.send(());
            pending().await
        });
        let task = tokio::spawn(stage_task);
        is_up.await.unwrap();
        state.cut_off();
        assert!(matches!(task.await.unwrap(), ExitReason::Aborted));
        assert!(dropped.await.is_err());
    });
}

#[test]
fn a_stage_ends_with_its_task_and_its_task_with_the_stage() {
    let runtime = runtime();
    runtime.block_on(async {
        let (task, _) = alone(async {
            yield_now().await;
            ExitReason::Normal
        });
        assert!(matches!(tokio::spawn(task).await.unwrap(), ExitReason::Normal));
        let (held, dropped) = oneshot::channel::<()>();
        let (task, state) = alone(async move {
            let _held = held;
            pending().await
        });
        drop(task);
        assert!(dropped.await.is_err());
        assert_eq!(Arc::strong_count(&state), 1, "nothing is left of it");
    });
}

#[test]
fn a_panic_ends_the_task_of_the_stage_that_panicked() {
    let runtime = runtime();
    runtime.block_on(async {
        let (task, _) = alone(async { panic!("on purpose") });
        assert!(tokio::spawn(task).await.unwrap_err().is_panic());
    });
}

#[test]
fn nothing_of_a_stage_that_parked_and_ended_is_left() {
    let runtime = runtime();
    let _within = runtime.enter();
    let signal = Signal::new();
    let (kept, mut parking) = (Arc::downgrade(&signal), Parking::new(Arc::clone(&signal)));
    let stage = poll_fn(move |cx| parking.poll_marked(cx, WantsCredit::Yes).map(|()| ExitReason::Normal));
    let (mut task, _) = stage_task(stage, &signal, &Arc::default());
    poll(&mut task);
    Slot::claim(&signal).mark();
    let ended = Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(ended, Poll::Ready(ExitReason::Normal)), "{ended:?}");
    drop((task, signal));
    assert_eq!(kept.strong_count(), 0);
}
