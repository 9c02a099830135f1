//! Pipelines whose bottleneck moves: the verdict follows within 3 seconds, and does not change back and forth.
//!
//! All of them run on simulated time, in the order of several seeds, and are looked at twice a second.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Waker};
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::batch::Limits;
use stage_core::per_event::PerEvent;
use stage_core::policy::{EachEvent, FailurePolicy, each};
use stage_core::rate::Rate;
use stage_core::stage::FromIter;
use stage_core::stats::StageState;
use stage_core::testing::Sim;
use stage_core::watch::{Cause, Course, Lint, Persistence, Trend, Verdict};
use stage_core::{
    Backoff, BoxError, Chain, Consumer, Context, Demand, Emitter, Init, Pipeline, Producer, Running,
    StageResult, StepOptions, Window, sink, source,
};
use tokio::time::sleep;

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// A time in microseconds that can be changed while the pipeline runs.
#[derive(Clone, Default)]
struct Knob(Arc<AtomicU64>);

impl Knob {
    fn set(&self, micros: u64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let micros = self.get();
        if micros > 0 {
            sleep(Duration::from_micros(micros)).await;
        }
    }
}

/// One knob for the source, and one for each of four steps.
#[derive(Clone, Default)]
struct Knobs {
    source: Knob,
    steps: [Knob; 4],
}

fn options(name: &str, count: usize) -> StepOptions {
    StepOptions::named(name).count(count).max_demand(20).min_demand(10)
}

/// A source with an input that has one event each time the knob's time is over.
fn paced(knob: &Knob) -> Chain<u64> {
    let (sender, receiver) = tokio::sync::mpsc::channel(10);
    let (receiver, knob) = (source::from_channel(receiver), knob.clone());
    tokio::spawn(async move {
        let mut number = 0_u64;
        while sender.send(number).await.is_ok() {
            number += 1;
            knob.wait().await;
        }
    });
    Pipeline::builder("moving").start("src", move || Ok(receiver.clone()))
}

/// Waits for each event as long as the knob says.
fn waits(knob: &Knob) -> impl EachEvent<In = u64, Out = u64> + use<> {
    let knob = knob.clone();
    each(move |number: u64| {
        let knob = knob.clone();
        async move {
            knob.wait().await;
            Ok::<_, BoxError>(number)
        }
    })
}

fn sink(knob: &Knob) -> impl Consumer<Event = u64> + use<> {
    let knob = knob.clone();
    sink::for_each_async(move |_: u64| {
        let knob = knob.clone();
        async move {
            knob.wait().await;
            Ok(())
        }
    })
}

/// A pipeline of a paced source, three steps and a sink, each of which can be slowed down.
fn line(knobs: &Knobs) -> Pipeline {
    knobs.source.set(2_000);
    let [a, b, c, last] = knobs.steps.clone();
    paced(&knobs.source)
        .step_each(options("a", 1), FailurePolicy::skip(), move || Ok(waits(&a)))
        .step_each(options("b", 4), FailurePolicy::skip(), move || Ok(waits(&b)))
        .step_each(options("c", 1), FailurePolicy::skip(), move || Ok(waits(&c)))
        .finish(options("sink", 1), move || Ok(sink(&last)))
}

/// Looks at a pipeline for a time; returns the verdicts.
async fn look(course: &mut Course, running: &Running, time: Duration) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for _ in 0..time.as_millis() / LOOK.as_millis() {
        sleep(LOOK).await;
        course.add(running.monitor().snapshot());
        verdicts.extend(course.assessment().map(|assessment| assessment.verdict.clone()));
    }
    verdicts
}

/// Runs a pipeline for 10 seconds, changes something, and checks that within 3 seconds the verdict is as
/// expected and remains so for half a minute.
fn follows(
    build: impl Fn(&Knobs) -> Pipeline,
    before: impl Fn(&Verdict) -> bool,
    change: impl Fn(&Knobs, &Running),
    after: impl Fn(&Verdict) -> bool,
) {
    for seed in 0..2 {
        Sim::seeded(seed).run(async {
            let knobs = Knobs::default();
            let running = build(&knobs).start().await.unwrap();
            let mut course = Course::new();
            let first = look(&mut course, &running, Duration::from_secs(10)).await;
            for verdict in &first[6..] {
                assert!(before(verdict), "before the change: {verdict}");
            }
            change(&knobs, &running);
            look(&mut course, &running, Duration::from_secs(3)).await;
            let settled = course.assessment().unwrap().clone();
            assert!(after(&settled.verdict), "3 s after the change: {settled}");
            for verdict in look(&mut course, &running, Duration::from_secs(33)).await {
                assert!(after(&verdict), "it flaps: {verdict}");
            }
            let settled = course.assessment().unwrap();
            assert_eq!(settled.persistence, Persistence::Chronic, "{settled}");
            running.stop().await.unwrap();
        });
    }
}

fn by_source(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::SourceBound { source, state: StageState::Waiting, .. } if source == "src")
}

fn by_step(step: &'static str) -> impl Fn(&Verdict) -> bool {
    move |verdict| matches!(verdict, Verdict::Bottleneck(bottleneck) if bottleneck.step == step)
}

#[test]
fn a_step_that_becomes_slow_is_named_at_every_position() {
    for (place, step) in ["a", "b", "c", "sink"].into_iter().enumerate() {
        follows(line, by_source, |knobs, _| knobs.steps[place].set(20_000), by_step(step));
    }
}

/// Uses the processor for as long as the knob says: the paused clock moves on while the callback runs.
fn burn(knob: &Knob) {
    let micros = knob.get();
    if micros > 0 {
        // The clock moves at the first poll; the future then only yields.
        let mut moved = pin!(tokio::time::advance(Duration::from_micros(micros)));
        let _ = moved.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
    }
}

/// The line with steps that use the processor, and a source that computes its events.
fn computing(knobs: &Knobs) -> Pipeline {
    let (source, [a, b, c, last]) = (knobs.source.clone(), knobs.steps.clone());
    Pipeline::builder("computing")
        .start_fn("src", move || {
            let source = source.clone();
            Ok((0_u64..).inspect(move |_| burn(&source)))
        })
        .step_fn(options("a", 1), move |number| {
            burn(&a);
            number
        })
        .step_fn(options("b", 1), move |number| {
            burn(&b);
            number
        })
        .step_fn(options("c", 1), move |number| {
            burn(&c);
            number
        })
        .finish_fn(options("sink", 1), move |_| burn(&last))
}

/// Returns whether the step, or the source, is named because it works.
fn by_work(step: &'static str) -> impl Fn(&Verdict) -> bool {
    move |verdict| match verdict {
        Verdict::Bottleneck(of) => (of.step.as_str(), of.cause) == (step, Cause::Working),
        Verdict::SourceBound { source, state, .. } => source == step && *state == StageState::Working,
        _ => false,
    }
}

#[test]
fn a_step_that_uses_the_processor_is_named_at_every_position_and_followed_to_the_next() {
    let names = ["src", "a", "b", "c", "sink"];
    let set = |knobs: &Knobs, place: usize, micros| match place {
        0 => knobs.source.set(micros),
        place => knobs.steps[place - 1].set(micros),
    };
    for from in 0..names.len() {
        let to = (from + 1) % names.len();
        follows(
            |knobs| {
                // Nothing is free: the others take a twentieth of the time of the slow one.
                (0..names.len()).for_each(|place| set(knobs, place, 100));
                set(knobs, from, 2_000);
                computing(knobs)
            },
            by_work(names[from]),
            |knobs, _| {
                set(knobs, from, 100);
                set(knobs, to, 2_000);
            },
            by_work(names[to]),
        );
    }
}

#[test]
fn a_bottleneck_that_moves_is_followed_to_every_other_position() {
    for from in 0..4 {
        let to = (from + 1) % 4;
        let names = ["a", "b", "c", "sink"];
        follows(
            |knobs| {
                let pipeline = line(knobs);
                knobs.steps[from].set(20_000);
                pipeline
            },
            by_step(names[from]),
            |knobs, _| {
                knobs.steps[from].set(0);
                knobs.steps[to].set(20_000);
            },
            by_step(names[to]),
        );
    }
}

#[test]
fn a_source_whose_input_becomes_slow_is_named() {
    let build = |knobs: &Knobs| {
        let pipeline = line(knobs);
        knobs.steps[1].set(20_000);
        pipeline
    };
    follows(build, by_step("b"), |knobs, _| knobs.source.set(100_000), by_source);
}

#[test]
fn a_source_that_waits_inside_its_own_stream_is_named() {
    let build = |knobs: &Knobs| {
        knobs.steps[3].set(1_000);
        let (knob, last) = (knobs.source.clone(), knobs.steps[3].clone());
        Pipeline::builder("stream")
            .start("src", move || {
                let knob = knob.clone();
                Ok(source::from_stream(futures_util::stream::unfold(0_u64, move |number| {
                    let knob = knob.clone();
                    async move {
                        knob.wait().await;
                        Some((number, number + 1))
                    }
                })))
            })
            .finish(options("sink", 1), move || Ok(sink(&last)))
    };
    follows(build, by_step("sink"), |knobs, _| knobs.source.set(30_000), by_source);
}

#[test]
fn a_rate_that_becomes_too_low_is_named_with_its_cause() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        paced(&knobs.source)
            .limited(options("limit", 1), || Ok(Rate::new(1_000, Duration::from_secs(1))?))
            .finish_fn(options("sink", 1), |_| ())
    };
    let slow = |_: &Knobs, running: &Running| {
        let rate = Rate::new(100, Duration::from_secs(1)).unwrap();
        running.steering().set_rate("limit", rate).unwrap();
    };
    let paced = |verdict: &Verdict| match verdict {
        Verdict::Bottleneck(bottleneck) => bottleneck.step == "limit" && bottleneck.cause == Cause::Pacing,
        _ => false,
    };
    follows(build, by_source, slow, paced);
}

#[test]
fn a_copy_that_gets_most_of_the_keys_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        knobs.steps[1].set(5_000);
        let (keys, work) = (knobs.steps[0].clone(), knobs.steps[1].clone());
        paced(&knobs.source)
            .by(move |number: &u64| if keys.get() == 0 { *number } else { 1 })
            .step_each(options("count", 4), FailurePolicy::skip(), move || Ok(waits(&work)))
            .finish_fn(options("sink", 1), |_| ())
    };
    let skewed = |verdict: &Verdict| match verdict {
        Verdict::Bottleneck(bottleneck) => {
            bottleneck.step == "count" && matches!(bottleneck.cause, Cause::Skew { .. })
        }
        _ => false,
    };
    follows(build, by_source, |knobs, _| knobs.steps[0].set(1), skewed);
}

#[test]
fn a_lane_that_becomes_slow_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        let work = knobs.steps[0].clone();
        paced(&knobs.source)
            .partition(
                2,
                |number: &u64| *number,
                move |lane| {
                    lane.step_each(options("lane", 1), FailurePolicy::skip(), move || Ok(waits(&work)))
                },
            )
            .finish_fn(options("sink", 1), |_| ())
    };
    follows(build, by_source, |knobs, _| knobs.steps[0].set(20_000), by_step("lane"));
}

#[test]
fn a_branch_of_a_broadcast_that_becomes_slow_is_named() {
    for selected in [false, true] {
        let build = |knobs: &Knobs| {
            knobs.source.set(2_000);
            let slow = knobs.steps[0].clone();
            let all =
                paced(&knobs.source).broadcast().ending(|all| all.finish_fn(options("quick", 1), |_| ()));
            let slow = move |branch: Chain<u64>| branch.finish(options("slow", 1), move || Ok(sink(&slow)));
            if selected {
                all.ending_when(|number| number % 2 == 0, slow).done()
            } else {
                all.ending(slow).done()
            }
        };
        follows(build, by_source, |knobs, _| knobs.steps[0].set(30_000), by_step("slow"));
    }
}

#[test]
fn a_step_that_two_sources_run_into_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(4_000);
        let last = knobs.steps[0].clone();
        let (sender, receiver) = tokio::sync::mpsc::channel(10);
        let receiver = source::from_channel(receiver);
        tokio::spawn(async move {
            while sender.send(1_u64).await.is_ok() {
                sleep(Duration::from_millis(4)).await;
            }
        });
        paced(&knobs.source)
            .and_start("other", move || Ok(receiver.clone()))
            .finish(options("sink", 1), move || Ok(sink(&last)))
    };
    let sources = |verdict: &Verdict| matches!(verdict, Verdict::SourceBound { .. });
    follows(build, sources, |knobs, _| knobs.steps[0].set(20_000), by_step("sink"));
}

#[test]
fn a_batcher_that_waits_for_time_is_no_limit_because_it_asks_for_more() {
    let build = |knobs: &Knobs| {
        knobs.source.set(1_000);
        let last = knobs.steps[3].clone();
        paced(&knobs.source)
            .batched(options("batches", 1), || Ok(Limits::count(1_000).within(Duration::from_millis(200))))
            .finish(StepOptions::named("sink").max_demand(2), move || {
                let last = last.clone();
                Ok(sink::for_each_async(move |_: Vec<u64>| {
                    let last = last.clone();
                    async move {
                        last.wait().await;
                        Ok(())
                    }
                }))
            })
    };
    follows(build, by_source, |knobs, _| knobs.steps[3].set(1_000_000), by_step("sink"));
}

#[test]
fn a_sink_with_one_task_for_each_event_and_a_small_window_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        let work = knobs.steps[0].clone();
        let workers = PerEvent::new(move |_: u64| {
            let work = work.clone();
            async move {
                work.wait().await;
                Ok::<_, BoxError>(())
            }
        });
        let window = StepOptions::named("workers").max_demand(4).min_demand(0);
        paced(&knobs.source).finish(window, move || Ok(workers.clone()))
    };
    follows(build, by_source, |knobs, _| knobs.steps[0].set(100_000), by_step("workers"));
    Sim::seeded(1).run(async {
        let knobs = Knobs::default();
        let running = build(&knobs).start().await.unwrap();
        knobs.steps[0].set(100_000);
        let mut course = Course::new();
        look(&mut course, &running, Duration::from_secs(10)).await;
        let lints = &course.assessment().unwrap().lints;
        let [lint] = &lints[..] else { panic!("{lints:?}") };
        assert_eq!(
            lint.to_string(),
            "`workers` has taken in all 4 events that its window allows, and its producers are held up: a larger \
             `max_demand` lets it handle more at a time"
        );
        assert_eq!(*lint, Lint::SmallWindow { step: "workers".to_owned(), room: 4 });
        // The remedy works.
        running.steering().set_window("workers", Window::new(100, 50).unwrap()).unwrap();
        look(&mut course, &running, Duration::from_secs(13)).await;
        assert_eq!(course.assessment().unwrap().lints, []);
        assert!(by_source(&course.assessment().unwrap().verdict));
        running.stop().await.unwrap();
    });
}

#[test]
fn a_step_that_begins_to_retry_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        let fails = knobs.steps[0].clone();
        // The events that wait for their second attempt fill the window.
        let wait = Duration::from_millis(200);
        let policy = FailurePolicy::skip().retry(Backoff::new(wait, wait).attempts(1));
        paced(&knobs.source)
            .step_each(options("shaky", 1), policy, move || {
                let fails = fails.clone();
                Ok(each(move |number: u64| {
                    let fails = fails.get() > 0;
                    async move { if fails { Err("it fails") } else { Ok(number) } }
                }))
            })
            .finish_fn(options("sink", 1), |_| ())
    };
    follows(build, by_source, |knobs, _| knobs.steps[0].set(1), by_step("shaky"));
}

/// Reports verdicts to no one.
struct Unheard;

impl Acknowledger for Unheard {
    type Receipt = u64;

    async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A source of deliveries that waits for each of them.
struct Acked {
    knob: Knob,
    next: u64,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for Acked {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Unheard, AckOptions::default()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        for _ in 0..demand.get() {
            self.knob.wait().await;
            let deliveries = self.deliveries.as_ref().ok_or("it was initialised")?;
            out.extend(deliveries.deliver([(self.next, self.next)]));
            out.flush();
            self.next += 1;
        }
        Ok(())
    }
}

#[test]
fn an_acknowledged_sink_with_a_small_window_is_named() {
    let build = |knobs: &Knobs| {
        knobs.source.set(2_000);
        let (knob, last) = (knobs.source.clone(), knobs.steps[0].clone());
        Pipeline::builder("acknowledged")
            .start("src", move || Ok(Acked { knob: knob.clone(), next: 0, deliveries: None }))
            .finish(StepOptions::named("sink").max_demand(2).min_demand(1), move || {
                let last = last.clone();
                Ok(sink::for_each_async(move |delivery: Delivery<u64>| {
                    let last = last.clone();
                    async move {
                        last.wait().await;
                        delivery.acknowledge();
                        Ok(())
                    }
                }))
            })
    };
    follows(build, by_source, |knobs, _| knobs.steps[0].set(20_000), by_step("sink"));
}

#[test]
fn a_step_fused_with_its_source_counts_as_the_source() {
    let build = |knobs: &Knobs| {
        knobs.steps[3].set(1_000);
        let (knob, last) = (knobs.source.clone(), knobs.steps[3].clone());
        Pipeline::builder("front")
            .start_fused(options("src", 1), move |stage| {
                stage.start(|| Ok(FromIter::new(0_u64..))).step(move || Ok(Slow(knob.clone())))
            })
            .finish(options("sink", 1), move || Ok(sink(&last)))
    };
    follows(build, by_step("sink"), |knobs, _| knobs.source.set(30_000), by_source);
}

struct Slow(Knob);

impl stage_core::ProducerConsumer for Slow {
    type In = u64;
    type Out = u64;

    async fn handle_events(
        &mut self,
        events: stage_core::Events<'_, u64>,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        for event in events {
            self.0.wait().await;
            out.emit(event);
        }
        Ok(())
    }
}

#[test]
fn of_two_steps_that_are_almost_equally_slow_one_stays_named() {
    for seed in 0..2 {
        Sim::seeded(seed).run(async {
            let knobs = Knobs::default();
            let running = line(&knobs).start().await.unwrap();
            let mut course = Course::new();
            let mut changes = 0;
            let mut last = None;
            for round in 0..60_u64 {
                // Now the one, now the other is a little slower.
                knobs.steps[0].set(10_000 + 400 * (round % 2));
                knobs.steps[2].set(10_400 - 400 * (round % 2));
                for verdict in look(&mut course, &running, Duration::from_secs(1)).await {
                    let step = verdict.step().map(ToOwned::to_owned);
                    changes += u32::from(round > 5 && step != last);
                    last = step;
                }
            }
            assert_eq!(changes, 0, "{}", course.assessment().unwrap());
            assert!(matches!(last.as_deref(), Some("a" | "c")), "{last:?}");
            running.stop().await.unwrap();
        });
    }
}

#[test]
fn a_load_that_varies_around_a_limit_does_not_change_the_verdict_back_and_forth() {
    for seed in 0..2 {
        Sim::seeded(seed).run(async {
            let knobs = Knobs::default();
            let running = line(&knobs).start().await.unwrap();
            // 10 ms an event is exactly what the step can do.
            knobs.steps[2].set(10_000);
            let mut course = Course::new();
            let mut changes = 0;
            let mut last = None;
            for round in 0..120_u64 {
                knobs.source.set([9_500, 12_000][usize::from(round % 2 == 0)]);
                for verdict in look(&mut course, &running, Duration::from_millis(500)).await {
                    changes += u32::from(last.as_ref().is_some_and(|last| !verdict.is_like(last)));
                    last = Some(verdict);
                }
            }
            assert!(changes <= 2, "{changes} changes in a minute");
            running.stop().await.unwrap();
        });
    }
}

#[test]
fn a_source_with_rare_events_is_not_idle_in_between_and_one_without_events_is() {
    Sim::seeded(1).run(async {
        let knobs = Knobs::default();
        let running = line(&knobs).start().await.unwrap();
        knobs.source.set(4_000_000);
        let mut course = Course::new();
        // The first event after the first look comes at 4 s.
        for verdict in &look(&mut course, &running, Duration::from_mins(1)).await[10..] {
            assert!(by_source(verdict), "{verdict}");
        }
        knobs.source.set(3_600_000_000);
        let verdicts = look(&mut course, &running, Duration::from_secs(30)).await;
        assert_eq!(verdicts.last(), Some(&Verdict::Idle));
        running.stop().await.unwrap();
    });
}

#[test]
fn a_pipeline_that_is_paused_has_no_bottleneck() {
    Sim::seeded(1).run(async {
        let knobs = Knobs::default();
        let running = line(&knobs).start().await.unwrap();
        knobs.steps[1].set(20_000);
        let mut course = Course::new();
        look(&mut course, &running, Duration::from_secs(5)).await;
        running.steering().pause().unwrap();
        look(&mut course, &running, Duration::from_secs(15)).await;
        assert_eq!(course.assessment().unwrap().verdict, Verdict::Idle);
        running.steering().resume().unwrap();
        look(&mut course, &running, Duration::from_secs(3)).await;
        assert!(by_step("b")(&course.assessment().unwrap().verdict));
        running.stop().await.unwrap();
    });
}

#[test]
fn an_assessment_says_how_long_it_has_lasted_and_whether_it_got_better() {
    Sim::seeded(1).run(async {
        let knobs = Knobs::default();
        let running = line(&knobs).start().await.unwrap();
        knobs.steps[2].set(20_000);
        let mut course = Course::new();
        look(&mut course, &running, Duration::from_secs(10)).await;
        let assessment = course.assessment().unwrap();
        assert_eq!((assessment.persistence, assessment.trend), (Persistence::Transient, Trend::Unknown));
        look(&mut course, &running, Duration::from_secs(80)).await;
        let assessment = course.assessment().unwrap();
        assert_eq!((assessment.persistence, assessment.trend), (Persistence::Chronic, Trend::Steady));
        let said = assessment.to_string();
        assert!(said.contains("help. This has lasted for "), "{said}");
        assert!((85..=90).contains(&assessment.lasts.as_secs()), "{said}");
        knobs.steps[2].set(10_000);
        look(&mut course, &running, Duration::from_secs(30)).await;
        let assessment = course.assessment().unwrap();
        let Trend::Faster(share) = assessment.trend else { panic!("{assessment}") };
        assert!((0.9..1.1).contains(&share), "{share}");
        knobs.steps[2].set(40_000);
        look(&mut course, &running, Duration::from_secs(90)).await;
        knobs.steps[2].set(80_000);
        look(&mut course, &running, Duration::from_secs(30)).await;
        let said = course.assessment().unwrap().to_string();
        assert!(said.ends_with(" It is 50 % slower than a minute ago."), "{said}");
        running.stop().await.unwrap();
    });
}
