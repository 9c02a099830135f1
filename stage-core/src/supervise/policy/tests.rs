//! Compares the policy with OTP's `supervisor`, by example and against a model of it.

use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;
use crate::base::error::{BoxError, Fatal};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn plan(strategy: Strategy) -> Plan {
    Plan { strategy, ..Plan::default() }
}

fn oops() -> ExitReason {
    ExitReason::Custom("oops".to_owned())
}

fn again(end: Range<usize>, back: &[usize]) -> RestartDecision {
    RestartDecision::Restart { end, back: back.to_vec(), after: Duration::ZERO }
}

#[test]
fn each_strategy_restarts_its_own_share() {
    let restarted = |strategy| {
        let mut policy = Policy::new(plan(strategy), vec![Restart::Permanent; 5]);
        policy.ended(2, &oops(), seconds(0), 0)
    };
    assert_eq!(restarted(Strategy::OneForOne), again(2..3, &[2]));
    assert_eq!(restarted(Strategy::OneForAll), again(0..5, &[0, 1, 2, 3, 4]));
    assert_eq!(restarted(Strategy::RestForOne), again(2..5, &[2, 3, 4]));
}

#[test]
fn the_fourth_restart_within_five_seconds_is_one_too_many() {
    let mut policy = Policy::new(plan(Strategy::RestForOne), vec![Restart::Permanent]);
    for at in [0, 1, 2] {
        assert_eq!(policy.ended(0, &oops(), seconds(at), 0), again(0..1, &[0]));
    }
    assert_eq!(policy.ended(0, &oops(), seconds(5), 0), RestartDecision::GiveUp);
}

#[test]
fn a_child_that_does_not_come_up_waits_longer_each_time_and_costs_the_intensity_nothing() {
    let mut policy = Policy::new(plan(Strategy::RestForOne), vec![Restart::Permanent; 3]);
    let mut last = Duration::ZERO;
    for attempt in 0..1_000 {
        let verdict = policy.did_not_come_up(1, &oops(), attempt);
        let RestartDecision::Restart { end, back, after } = verdict else { panic!("{verdict:?}") };
        assert_eq!((end, back), (1..1, vec![1, 2]), "no stage is stopped, and the later ones wait");
        assert!(after >= last / 2 && after <= seconds(10), "attempt {attempt}: {after:?}");
        last = last.max(after);
    }
    assert!(last > seconds(9));
    assert_eq!(policy.recent(), 0);
    policy.came_up(1);
    let verdict = policy.did_not_come_up(1, &oops(), 0);
    assert!(matches!(verdict, RestartDecision::Restart { after, .. } if after <= Duration::from_millis(100)));
}

#[test]
fn only_an_error_of_a_source_or_a_configured_stage_waits_as_often_as_the_backoff_allows() {
    let nobody = || ExitReason::from(BoxError::from("no answer"));
    let fatal = || ExitReason::from(BoxError::from(Fatal::new("wrong password")));
    let mut policy = Policy::new(plan(Strategy::OneForOne), vec![Restart::Transient, Restart::Temporary]);
    assert!(policy.waits(&nobody(), Kind::Source) && !policy.waits(&nobody(), Kind::Other));
    for reason in [fatal(), ExitReason::Panicked("oops".to_owned()), ExitReason::Aborted, ExitReason::Normal]
    {
        assert!(!policy.waits(&reason, Kind::Source), "{reason}");
    }
    assert_eq!(policy.did_not_come_up(1, &nobody(), 0), RestartDecision::Leave);
    let nothing = Backoff::new(Duration::ZERO, Duration::ZERO).attempts(2);
    let plan = Plan { retry_init: Some(nothing), ..Plan::default() };
    let mut policy = Policy::new(plan, vec![Restart::Transient]);
    assert!(policy.waits(&nobody(), Kind::Other) && !policy.waits(&fatal(), Kind::Other));
    for _ in 0..2 {
        let verdict = policy.did_not_come_up(0, &nobody(), 0);
        assert!(
            matches!(verdict, RestartDecision::Restart { after, .. } if after == LEAST_WAIT),
            "never a busy loop"
        );
    }
    assert_eq!(policy.did_not_come_up(0, &nobody(), 0), RestartDecision::GiveUp);
}

#[test]
fn unlimited_restarts_within_an_endless_period_take_no_memory_for_long() {
    let intensity = Intensity { max_restarts: usize::MAX, within: Duration::MAX };
    let mut policy = Policy::new(Plan { intensity, ..Plan::default() }, vec![Restart::Permanent]);
    for at in 0..10_000 {
        assert_ne!(policy.ended(0, &oops(), seconds(at), 0), RestartDecision::GiveUp);
    }
    assert_eq!(policy.recent(), REMEMBERED);
}

#[test]
fn old_restarts_are_forgotten() {
    let mut policy = Policy::new(plan(Strategy::RestForOne), vec![Restart::Permanent]);
    for at in [0, 1, 2, 6, 7, 8] {
        assert_eq!(policy.ended(0, &oops(), seconds(at), 0), again(0..1, &[0]), "at {at} s");
    }
}

#[test]
fn a_transient_child_comes_back_after_a_failure_only_and_a_temporary_one_never() {
    let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
    let comes_back = |reason: ExitReason| {
        kinds.map(|kind| {
            let mut policy = Policy::new(plan(Strategy::OneForOne), vec![kind]);
            policy.ended(0, &reason, seconds(0), 0) != RestartDecision::Leave
        })
    };
    assert_eq!(comes_back(ExitReason::Normal), [true, false, false]);
    assert_eq!(comes_back(ExitReason::Shutdown), [true, false, false]);
    for failure in [oops(), ExitReason::Aborted, ExitReason::NotFound, ExitReason::Panicked(String::new())] {
        assert_eq!(comes_back(failure), [true, true, false]);
    }
}

#[test]
fn a_temporary_child_does_not_come_back_with_the_others() {
    let kinds = vec![Restart::Permanent, Restart::Temporary, Restart::Transient];
    let mut policy = Policy::new(plan(Strategy::OneForAll), kinds);
    assert_eq!(policy.ended(0, &oops(), seconds(0), 0), again(0..3, &[0, 2]));
    assert_eq!(policy.ended(0, &oops(), seconds(0), 0), again(0..3, &[0, 2]));
}

#[test]
fn waits_grow_with_the_restarts_that_count_and_attempts_that_are_used_up_end_it() {
    let backoff = Backoff::new(seconds(1), seconds(60)).attempts(3);
    let intensity = Intensity { max_restarts: 100, within: seconds(100) };
    let plan = Plan { backoff: Some(backoff), intensity, ..Plan::default() };
    let mut policy = Policy::new(plan, vec![Restart::Permanent]);
    for whole in [1, 2, 4] {
        let RestartDecision::Restart { after, .. } = policy.ended(0, &oops(), seconds(0), whole) else {
            panic!("no restart");
        };
        assert!(after <= seconds(whole) && after * 2 >= seconds(whole), "{after:?} of {whole} s");
    }
    assert_eq!(policy.ended(0, &oops(), seconds(0), 0), RestartDecision::GiveUp);
}

/// A model of OTP's supervisor according to its documentation, on lists of names: `supervisor:restart/2` and
/// `add_restart/1`.
struct Otp {
    strategy: Strategy,
    intensity: Intensity,
    /// The children that are not deleted, in the order of their start.
    children: Vec<(usize, Restart)>,
    restarts: Vec<Duration>,
}

impl Otp {
    /// Returns the children to restart; `None` if the supervisor gives up.
    fn exit(&mut self, name: usize, normal: bool, now: Duration) -> Option<Vec<usize>> {
        let Some(place) = self.children.iter().position(|(child, _)| *child == name) else {
            return Some(Vec::new());
        };
        let returns = match self.children[place].1 {
            Restart::Permanent => true,
            Restart::Transient => !normal,
            Restart::Temporary => false,
        };
        if !returns {
            self.children.remove(place);
            return Some(Vec::new());
        }
        self.restarts.push(now);
        self.restarts.retain(|then| *then + self.intensity.within >= now);
        if self.restarts.len() > self.intensity.max_restarts {
            return None;
        }
        let affected: Vec<usize> = match self.strategy {
            Strategy::OneForOne => vec![name],
            Strategy::OneForAll => self.children.iter().map(|(child, _)| *child).collect(),
            Strategy::RestForOne => self.children[place..].iter().map(|(child, _)| *child).collect(),
        };
        self.children.retain(|(child, restart)| !affected.contains(child) || *restart != Restart::Temporary);
        let back = |name: &usize| self.children.iter().any(|(child, _)| child == name);
        Some(affected.into_iter().filter(back).collect())
    }
}

fn restart() -> impl proptest::strategy::Strategy<Value = Restart> {
    prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)]
}

fn strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![Just(Strategy::OneForOne), Just(Strategy::OneForAll), Just(Strategy::RestForOne)]
}

proptest! {
    #[test]
    fn random_histories_of_exits_match_otp(
        strategy in strategy(),
        kinds in prop::collection::vec(restart(), 1..7),
        max_restarts in 0..6_usize,
        history in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..4_u64), 0..30),
    ) {
        let intensity = Intensity { max_restarts, within: seconds(5) };
        let mut otp = Otp {
            strategy,
            intensity,
            children: kinds.iter().copied().enumerate().collect(),
            restarts: Vec::new(),
        };
        let mut policy = Policy::new(Plan { strategy, intensity, ..Plan::default() }, kinds.clone());
        let mut now = Duration::ZERO;
        for (child, normal, later) in history {
            now += seconds(later);
            let child = child.index(kinds.len());
            let reason = if normal { ExitReason::Shutdown } else { oops() };
            let decided = policy.ended(child, &reason, now, 0);
            let back = match &decided {
                RestartDecision::Leave => Some(Vec::new()),
                RestartDecision::Restart { back, .. } => Some(back.clone()),
                RestartDecision::GiveUp => None,
            };
            prop_assert_eq!(&back, &otp.exit(child, normal, now));
            if let RestartDecision::Restart { end, back, .. } = &decided {
                prop_assert!(back.iter().all(|back| end.contains(back)), "only stopped stages start");
            }
            if back.is_none() {
                break;
            }
        }
    }
}
