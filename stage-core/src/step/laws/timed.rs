//! Steps that decide by time and demand.

use proptest::prelude::*;

use super::play::{Happens, Play, history, milliseconds};
use crate::policy::Plain;
use crate::step::conflate::Conflate;
use crate::step::debounce::Debounce;
use crate::step::deciding::Decide;
use crate::step::delay::Delay;
use crate::step::expand::Expand;
use crate::step::held::Held;
use crate::step::keep_alive::KeepAlive;
use crate::step::latest::Latest;
use crate::step::sample::Sample;
use crate::step::take_for::TakeFor;
use crate::step::timeout::{Timeout, TimeoutError};

/// The times of the events of a history, in milliseconds.
fn times(history: &[Happens]) -> Vec<u64> {
    let mut now = 0;
    let mut times = Vec::new();
    for happens in history {
        match *happens {
            Happens::Event(_) => times.push(now),
            Happens::Time(time) => now += time,
            Happens::Ask(_) => {}
        }
    }
    times
}

/// Plays a history on a step that drops events, and checks that it emits in order, on demand alone, and that nothing is
/// neither emitted nor left out.
fn play<D: Decide<In = u32, Out = u32>>(
    decide: D,
    history: &[Happens],
    rich: bool,
) -> Result<Vec<(u64, u32)>, TestCaseError> {
    let mut play = Play::new(decide, 1);
    if rich {
        play.ask(1000);
    }
    let events = play.play(history, |_, number| number);
    prop_assert!(play.emitted.len() <= play.asked, "more than were asked for");
    prop_assert!(play.emitted.len() + play.output.left_out().len() + play.decide.held() == events as usize);
    play.end(1);
    let emitted = play.events();
    prop_assert!(emitted.is_sorted_by(|one, next| one < next), "not in order");
    let mut all: Vec<_> = emitted.iter().chain(play.output.left_out()).copied().collect();
    all.sort_unstable();
    prop_assert!(all.into_iter().eq(0..events), "some are neither emitted nor left out");
    prop_assert_eq!(play.decide.held(), 0);
    Ok(play.emitted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn debounce_passes_an_event_that_no_other_followed_in_time(history in history(1), quiet in 1..200_u64) {
        play(Debounce { quiet: milliseconds(quiet), held: Held::default() }, &history, false)?;
        let emitted = play(Debounce { quiet: milliseconds(quiet), held: Held::default() }, &history, true)?;
        let times = times(&history);
        let settled = |index: usize| times.get(index + 1).is_none_or(|next| next - times[index] >= quiet);
        let expected: Vec<_> = (0..times.len()).filter(|index| settled(*index)).collect();
        prop_assert!(emitted.iter().map(|(_, event)| *event as usize).eq(expected));
        // The last one leaves at the end of the input at the latest.
        for (at, event) in emitted.iter().rev().skip(1) {
            prop_assert_eq!(*at, times[*event as usize] + quiet);
        }
    }

    #[test]
    fn sample_passes_the_last_event_of_each_period(history in history(1), period in 1..200_u64) {
        let sample = || Sample { period: milliseconds(period), began: None, held: Held::default() };
        play(sample(), &history, false)?;
        let emitted = play(sample(), &history, true)?;
        let times = times(&history);
        let last = |index: usize| times.get(index + 1).is_none_or(|next| next / period > times[index] / period);
        let expected: Vec<_> = (0..times.len()).filter(|index| last(*index)).collect();
        prop_assert!(emitted.iter().map(|(_, event)| *event as usize).eq(expected));
        for (at, event) in emitted.iter().rev().skip(1) {
            prop_assert_eq!(*at, (times[*event as usize] / period + 1) * period);
        }
    }

    #[test]
    fn latest_passes_the_newest_event_as_soon_as_one_is_asked_for(history in history(1)) {
        play(Latest { held: None }, &history, false)?;
        let emitted = play(Latest { held: None }, &history, true)?;
        prop_assert!(emitted.iter().map(|(at, _)| *at).eq(times(&history)), "with demand, every event leaves at once");
    }

    #[test]
    fn conflate_folds_every_event_into_exactly_one_result(history in history(1)) {
        let fold = |list: &mut Vec<u32>, event: u32| list.push(event);
        let mut play = Play::new(Conflate::<Plain, _, _, _, _>::new(|event: u32| vec![event], fold), 1);
        let events = play.play(&history, |_, number| number);
        prop_assert!(play.emitted.len() <= play.asked && play.decide.held() <= 1);
        play.end(1);
        prop_assert!(play.events().concat().into_iter().eq(0..events));
    }

    #[test]
    fn delay_passes_every_event_after_its_time(history in history(1), time in 0..200_u64) {
        let mut poor = Play::new(Delay { time: milliseconds(time), waiting: std::collections::VecDeque::new() }, 1);
        let events = poor.play(&history, |_, number| number);
        prop_assert!(poor.emitted.len() <= poor.asked);
        poor.end(1);
        let times = times(&history);
        prop_assert!(poor.events().into_iter().eq(0..events));
        prop_assert!(poor.emitted.iter().all(|(at, event)| *at >= times[*event as usize] + time));

        let mut rich = Play::new(Delay { time: milliseconds(time), waiting: std::collections::VecDeque::new() }, 1);
        rich.ask(1000);
        rich.play(&history, |_, number| number);
        rich.end(1);
        prop_assert!(rich.emitted.iter().map(|(at, _)| *at).eq(times.iter().map(|at| at + time)));
    }

    #[test]
    fn take_for_passes_what_comes_in_its_time_and_finishes(history in history(1), time in 1..400_u64) {
        let mut play = Play::new(TakeFor::new(milliseconds(time)), 1);
        play.play(&history, |_, number| number);
        let times = times(&history);
        let in_time = (0_u32..).zip(&times).filter(|(_, at)| **at < time);
        let expected: Vec<_> = in_time.map(|(event, _)| event).collect();
        prop_assert_eq!(play.output.given_back().len(), times.len() - expected.len());
        prop_assert_eq!(play.events(), expected);
        prop_assert_eq!(play.output.has_finished(), play.time() >= time);
    }

    #[test]
    fn idle_timeout_fails_after_a_silence_in_which_events_were_asked_for(history in history(1), limit in 1..300_u64) {
        let error = TimeoutError::Idle(milliseconds(limit));
        let mut play = Play::new(Timeout::<u32>::new(milliseconds(limit), error), 1);
        play.play(&history, |_, number| number);
        prop_assert_eq!(play.output.failure().is_some(), longest_silence(&history, usize::MAX) >= limit);
        prop_assert!(play.output.failure().is_none_or(|failure| failure == error.to_string()));
    }

    #[test]
    fn initial_timeout_watches_for_the_first_event_only(history in history(1), limit in 1..300_u64) {
        let error = TimeoutError::Initial(milliseconds(limit));
        let mut play = Play::new(Timeout::<u32>::new(milliseconds(limit), error), 1);
        play.play(&history, |_, number| number);
        prop_assert_eq!(play.output.failure().is_some(), longest_silence(&history, 1) >= limit);
    }

    #[test]
    fn keep_alive_is_never_silent_for_longer_than_its_time(history in history(1), idle in 1..200_u64) {
        let mut play = Play::new(KeepAlive::new(milliseconds(idle), || u32::MAX), 1);
        play.ask(100_000);
        let events = play.play(&history, |_, number| number);
        prop_assert!(play.events().into_iter().filter(|event| *event != u32::MAX).eq(0..events));
        let mut before = 0;
        for at in play.emitted.iter().map(|(at, _)| *at).chain([play.time()]) {
            prop_assert!(at - before <= idle, "silent from {before} to {at}");
            before = at;
        }
        for (one, next) in play.emitted.iter().zip(play.emitted.iter().skip(1)) {
            prop_assert!(next.1 != u32::MAX || next.0 - one.0 >= idle, "too early");
        }
    }

    #[test]
    fn expand_meets_all_demand_once_an_event_has_come(history in history(1)) {
        let mut play = Play::new(Expand::<Plain, _, _>::new(|(number, again): &(u32, u32)| Some((*number, again + 1))), 1);
        let events = play.play(&history, |_, number| (number, 0));
        let originals = play.events().into_iter().filter(|(_, again)| *again == 0).map(|(number, _)| number);
        prop_assert!(originals.eq(0..events), "every event leaves once");
        for (one, next) in play.events().iter().zip(play.events().iter().skip(1)) {
            prop_assert!(next.1 == 0 || *next == (one.0, one.1 + 1), "{next:?} does not continue {one:?}");
        }
        play.ask(5);
        prop_assert_eq!(play.room == 0, events > 0);
        play.decide.end(&mut play.output);
        play.ask(5);
        prop_assert!(play.room >= 5, "there is nothing to continue after the end");
    }
}

/// The longest time without an event in which one was asked for, before the event of number `last`.
fn longest_silence(history: &[Happens], last: usize) -> u64 {
    let (mut room, mut silence, mut longest, mut events) = (0_usize, 0, 0, 0);
    for happens in history {
        match *happens {
            Happens::Event(_) => {
                room = room.saturating_sub(1);
                silence = 0;
                events += 1;
                if events == last {
                    break;
                }
            }
            Happens::Ask(more) => room += more,
            Happens::Time(time) if room > 0 => {
                silence += time;
                longest = longest.max(silence);
            }
            Happens::Time(_) => {}
        }
    }
    longest
}
