//! F138 to F185: the contents of windows, and the times of their outputs.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "flows give functions their events by reference")]

mod alarms;
mod clock;
mod count;
mod fixed;
mod fixed_disorder;
mod global;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the cases of other programs use the rest")]
mod support;

use flow::time::Untimed;
use flow::{Flow, LayerFlow, Trigger, TriggerName, Window};

/// The numbers of a case: the demand does not change its results.
#[derive(Clone, Copy)]
enum Demand {
    Large,
    Small,
}

impl Demand {
    fn of(self, flow: crate::support::Numbers) -> crate::support::Numbers {
        match self {
            Self::Large => flow,
            Self::Small => flow.max_demand(5).min_demand(0),
        }
    }
}

/// The treatment of a sum after its output.
#[derive(Clone, Copy)]
enum After {
    Keep,
    Reset,
}

impl After {
    fn of(self, sum: u64) -> u64 {
        match self {
            Self::Keep => sum,
            Self::Reset => 0,
        }
    }
}

/// Returns the sums of 1 to 100 in one stage, at each trigger of these windows.
fn sums(window: Window, demand: Demand, after: After) -> LayerFlow<Untimed, u64> {
    demand
        .of(Flow::from_iters([(1..=100).collect::<Vec<_>>()]))
        .stages(1)
        .window(window)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(move |sum, _| ([sum], after.of(sum)))
}

/// Returns the same in windows of event time.
fn timed_sums(
    window: Window<flow::EventTime>,
    happened: fn(&u64) -> i64,
    demand: Demand,
) -> LayerFlow<Untimed, Told> {
    demand
        .of(Flow::from_iters([(1..=100).collect::<Vec<_>>()]))
        .event_time(happened, std::time::Duration::MAX)
        .stages(1)
        .window(window)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([told(sum, trigger)], sum))
}

/// A sum, the number of its window, and the reason for its output.
type Told = (u64, i64, &'static str);

fn told(sum: u64, trigger: &Trigger) -> Told {
    let window = match trigger.window {
        flow::WindowId::Count(number) | flow::WindowId::Periodic(number) => i64::try_from(number).unwrap(),
        flow::WindowId::Fixed(start) | flow::WindowId::Sliding(start) => start,
        _ => 0,
    };
    let why = match &trigger.name {
        TriggerName::Done => "done",
        TriggerName::Watermark => "watermark",
        TriggerName::Every(_) => "every",
        TriggerName::Periodically(_) => "periodically",
        _ => "other",
    };
    (sum, window, why)
}

/// An output every ten events, with the sum kept.
const KEPT: [u64; 11] = [55, 210, 465, 820, 1275, 1830, 2485, 3240, 4095, 5050, 5050];
/// An output every ten events, with the sum reset.
const RESET: [u64; 11] = [55, 155, 255, 355, 455, 555, 655, 755, 855, 955, 0];
