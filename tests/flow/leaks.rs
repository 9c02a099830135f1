//! Check that a flow leaves nothing behind when it is dropped, cut off or panics at a random moment.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use flow::join::FullOuter;
use flow::time::Untimed;
use flow::{Flow, LayerFlow, Window, Workers};
use futures_util::{FutureExt, StreamExt};
use stage_core::spawn::{StageOptions, producer};
use stage_core::stage::MapEach;
use stage_core::testing::{Sim, turn};
use tokio::runtime::Handle;

use crate::support::{Token, Tokens, no_task_is_left};

/// Returns the number of flows; `FLOW_KILLS` sets it.
fn kills() -> u64 {
    std::env::var("FLOW_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(300)
}

/// Random numbers by xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

type Made = LayerFlow<Untimed, Token>;

/// Returns an event at which some flows panic; many never reach it.
fn bad(random: &mut Random) -> u64 {
    if random.below(3) == 0 { random.below(200) } else { u64::MAX }
}

/// Makes a flow of one of several shapes over tokens, endless or not.
fn flow(random: &mut Random, tokens: &Tokens) -> Made {
    let (made, bad) = (tokens.clone(), bad(random));
    let last = if random.below(2) == 0 { u64::MAX } else { random.below(300) };
    let demand = usize::try_from(1 + random.below(40)).unwrap();
    let stages = usize::try_from(1 + random.below(3)).unwrap();
    let shape = random.below(7);
    // Its trigger uses the paused clock, which moves only when no work is left.
    let last = if shape == 3 { last.min(300) } else { last };
    let start = Flow::from_items(0..last).stages(stages).max_demand(demand).map(move |number| {
        assert_ne!(number, bad, "a bad event");
        made.make(number)
    });
    match shape {
        0 => start.boxed(),
        1 => start
            .partition(|token| token.number % 5)
            .stages(stages)
            .filter(|token| token.number % 3 != 0)
            .boxed(),
        2 => start
            .partition(|token| token.number)
            .stages(stages)
            .window(Window::count(7))
            .reduce(Vec::new, Vec::push)
            .on_trigger(|all, _| (all, Vec::new())),
        3 => start
            .window(Window::global().trigger_periodically(Duration::from_millis(1)))
            .reduce(Vec::new, Vec::push)
            .on_trigger(|all, _| (all, Vec::new())),
        4 => start.through(stages, |_| Ok(MapEach::new(|token: Token| token))),
        5 => {
            let numbers = Flow::from_items(0..20_u64).stages(1);
            let made = tokens.clone();
            let joined = start.map(|token| token.number).bounded_join(
                FullOuter,
                numbers,
                |left| left % 30,
                |right| *right,
            );
            joined.map(move |(left, right)| made.make(left.or(right).unwrap_or_default())).boxed()
        }
        _ => start.merge([Flow::from_items(0..0_u64)
            .map({
                let made = tokens.clone();
                move |number| made.make(number)
            })
            .boxed()]),
    }
}

/// Runs a flow, and ends the run in a random way.
async fn end(random: &mut Random, flow: &Made) {
    let patience = random.below(60);
    match random.below(4) {
        // Drops the stream after some events.
        0 => {
            let mut events = flow.stream_on(Workers::Current).await.unwrap();
            for _ in 0..patience {
                if !matches!(events.next().await, Some(Ok(_))) {
                    break;
                }
            }
        }
        // Aborts the task that takes the events.
        1 => {
            let flow = flow.clone();
            let taking = tokio::spawn(async move {
                let mut events = flow.stream_on(Workers::Current).await.unwrap();
                while let Some(Ok(_)) = events.next().await {}
            });
            for _ in 0..patience {
                turn().await;
            }
            taking.abort();
        }
        // Drops the start midway.
        2 => {
            let mut started = pin!(flow.stream_on(Workers::Current));
            for _ in 0..patience % 5 {
                let polled = poll_fn(|cx| Poll::Ready(started.poll_unpin(cx)));
                if polled.await.is_ready() {
                    return;
                }
                turn().await;
            }
        }
        // Lets the flow end, or fail, or drops it after the thousandth event.
        _ => {
            let events = flow.stream_on(Workers::Current).await.unwrap();
            events.take(1000).for_each(async |_| ()).await;
        }
    }
}

#[test]
fn flows_that_are_killed_or_dropped_or_panic_leave_nothing_behind() {
    for seed in 1..=kills() {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let tokens = Tokens::default();
        Sim::seeded(seed).run(async {
            let flow = flow(&mut random, &tokens);
            end(&mut random, &flow).await;
            no_task_is_left().await;
            assert_eq!(tokens.living(), 0, "events of seed {seed} are kept");
        });
    }
}

#[test]
fn a_killed_flow_leaves_external_stages_running() {
    for seed in 1..=kills() / 10 {
        let mut random = Random(seed);
        Sim::seeded(seed).run(async {
            let numbers = stage_core::stage::FromIter::new(0_u64..);
            let numbers = producer(numbers, StageOptions::named("numbers")).await.unwrap();
            stage_core::testing::settle().await;
            let before = Handle::current().metrics().num_alive_tasks();
            let flow = Flow::from_stages([numbers.producer()]).stages(2).map(|number| number);
            let mut events = flow.stream_on(Workers::Current).await.unwrap();
            for _ in 0..random.below(50) {
                events.next().await.unwrap().unwrap();
            }
            drop(events);
            stage_core::testing::settle().await;
            assert!(!numbers.has_ended());
            assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
        });
    }
}
