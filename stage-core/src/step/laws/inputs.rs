//! Steps that join several inputs.

use proptest::prelude::*;

use super::play::{Happens, Play, history, line};
use crate::policy::Plain;
use crate::step::Side;
use crate::step::interleave::Interleave;
use crate::step::merge_sorted::MergeSorted;
use crate::step::queues::Queues;
use crate::step::zip::Zip;
use crate::step::zip_latest::ZipLatest;

/// Makes an event of its line and number: the left side comes by the first line.
fn side(place: usize, number: u32) -> Side<u32, u32> {
    if place == 0 { Side::Left(number) } else { Side::Right(number) }
}

/// Returns the numbers of the events of each side of a history.
fn sides(history: &[Happens]) -> (Vec<u32>, Vec<u32>) {
    let places = history.iter().filter_map(|happens| match happens {
        Happens::Event(place) => Some(*place),
        Happens::Ask(_) | Happens::Time(_) => None,
    });
    let (left, right): (Vec<_>, Vec<_>) = (0..).zip(places).partition(|(_, place)| *place == 0);
    let numbers = |side: Vec<(u32, usize)>| side.into_iter().map(|(number, _)| number).collect();
    (numbers(left), numbers(right))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn merge_sorted_emits_every_event_in_the_order_of_its_key(history in history(3), steps in 0..4_u32) {
        let mut play = Play::new(MergeSorted { key: |(key, _, _): &(u32, usize, u32)| *key, queues: Queues::new() }, 3);
        let mut keys = [0; 3];
        let events = play.play(&history, |place, number| {
            keys[place] += (number * 7 + 3) % (steps + 1);
            (keys[place], place, number)
        });
        prop_assert!(play.emitted.len() <= play.asked);
        prop_assert_eq!(play.emitted.len() + play.decide.queues.len(), events as usize);
        play.end(3);
        let emitted = play.events();
        prop_assert_eq!(emitted.len(), events as usize);
        // By key, equal ones by the order of the producers, and those of one producer as they came.
        prop_assert!(emitted.is_sorted_by_key(|(key, _, _)| *key));
        for place in 0..3 {
            let of_one = emitted.iter().filter(|(_, from, _)| *from == place).map(|(_, _, number)| *number);
            prop_assert!(of_one.is_sorted());
        }
    }

    #[test]
    fn interleave_keeps_the_order_of_each_input_and_loses_none(history in history(3), weights in [1..5_u32, 1..5, 1..5]) {
        let mut play = Play::new(Interleave::new(weights), 3);
        let events = play.play(&history, |place, number| (place, number));
        prop_assert!(play.emitted.len() <= play.asked);
        // None waits for another: with demand left, nothing is held.
        prop_assert!(play.room == 0 || crate::step::deciding::Decide::held(&play.decide) == 0);
        play.end(3);
        let emitted = play.events();
        prop_assert_eq!(emitted.len(), events as usize);
        for place in 0..3 {
            let of_one = emitted.iter().filter(|(from, _)| *from == place).map(|(_, number)| *number);
            prop_assert!(of_one.is_sorted());
        }
    }

    #[test]
    fn interleave_serves_full_inputs_in_proportion_to_their_weights(weights in [1..6_u32, 1..6, 1..6], rounds in 1..5_usize) {
        let mut play = Play::new(Interleave::new(weights), 3);
        for number in 0..100 {
            (0..3).for_each(|place| play.event((place, number), place));
        }
        let round: u32 = weights.iter().sum();
        play.ask(round as usize * rounds);
        for (place, weight) in weights.into_iter().enumerate() {
            let served = play.events().iter().filter(|(from, _)| *from == place).count();
            prop_assert_eq!(served, weight as usize * rounds);
        }
    }

    #[test]
    fn zip_pairs_the_events_of_both_sides_in_order(history in history(2)) {
        let mut play = Play::new(Zip::<Plain, u32, u32>::default(), 2);
        play.play(&history, side);
        prop_assert!(play.emitted.len() <= play.asked);
        play.end(2);
        let (left, right) = sides(&history);
        let pairs: Vec<_> = left.iter().copied().zip(right.iter().copied()).collect();
        prop_assert_eq!(play.events(), &*pairs);
        prop_assert!(play.output.has_finished());
        prop_assert_eq!(play.output.given_back().len(), left.len() + right.len() - 2 * pairs.len());
    }

    #[test]
    fn zip_latest_pairs_each_event_with_the_newest_of_the_other_side(history in history(2)) {
        let mut play = Play::new(ZipLatest::<Plain, u32, u32>::default(), 2);
        let events = play.play(&history, side);
        let (lefts, _) = sides(&history);
        let (mut left, mut right, mut expected, mut alone) = (None, None, Vec::new(), 0_usize);
        for number in 0..events {
            if lefts.contains(&number) { left = Some(number) } else { right = Some(number) }
            match (left, right) {
                (Some(left), Some(right)) => expected.push((left, right)),
                _ => alone += 1,
            }
        }
        prop_assert_eq!(play.events(), &*expected);
        // Of the events before the first pair, the last one is in it.
        prop_assert_eq!(play.output.left_out().len(), alone.saturating_sub(1));
    }
}

#[test]
fn zip_finishes_when_a_side_has_ended_that_never_sent_anything() {
    let mut play = Play::new(Zip::<Plain, u32, u32>::default(), 2);
    play.ask(10);
    play.event(Side::Right(1), 1);
    assert!(!play.output.has_finished(), "the other producer may still send the left side");
    crate::step::deciding::Decide::left(&mut play.decide, line(0), true, &mut play.output);
    play.serve();
    assert!(play.output.has_finished());
    assert_eq!(play.output.given_back(), [Side::Right(1)]);
}

#[test]
fn zip_waits_for_a_side_whose_producer_failed_and_returns() {
    let mut play = Play::new(Zip::<Plain, u32, u32>::default(), 2);
    play.ask(10);
    play.event(Side::Left(1), 0);
    play.event(Side::Right(2), 1);
    crate::step::deciding::Decide::left(&mut play.decide, line(0), false, &mut play.output);
    play.event(Side::Right(3), 1);
    assert!(!play.output.has_finished());
    crate::step::deciding::Decide::joined(&mut play.decide, line(0));
    play.event(Side::Left(4), 0);
    assert_eq!(play.events(), [(1, 2), (4, 3)]);
    crate::step::deciding::Decide::left(&mut play.decide, line(0), true, &mut play.output);
    play.serve();
    assert!(play.output.has_finished());
}
