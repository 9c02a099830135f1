//! Options that only some kinds of steps have: events at once, rates, batches, numbers of failure policies.

use std::time::Duration;

use stage_core::batch::Limits;
use stage_core::config::{EventsAtOnce, Overrides, PipelineOptions};
use stage_core::policy::{AtOnce, FailurePolicy, each};
use stage_core::rate::Rate;
use stage_core::{Backoff, BoxError, Pipeline};
use tokio::time::Instant;

use crate::support::option;

/// Ten numbers a second, each looked up two at a time, in batches of three.
fn calls() -> Pipeline {
    let at_once = AtOnce::new(2).at_most(1, |number: &u64| *number);
    Pipeline::builder("calls")
        .start_fn("numbers", || Ok(0..40_u64))
        .limited("call.rate", || Ok(Rate::new(10, Duration::from_secs(1))?.burst(1)?))
        .step_each_at_once("call", at_once, FailurePolicy::skip(), || {
            Ok(each(|number: u64| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, BoxError>(number)
            }))
        })
        .batched_up_to("store.batch", 8, || Ok(Limits::count(3)))
        .finish_fn("store", |_: Vec<u64>| ())
}

fn with(text: &str) -> Result<Pipeline, Vec<String>> {
    let overrides = Overrides::new().toml("calls.toml", text).unwrap();
    calls().configure(&overrides).map_err(|all| all.errors.iter().map(ToString::to_string).collect())
}

#[tokio::test(start_paused = true)]
async fn events_at_once_rates_and_batches_are_set_by_a_file() {
    let configured = with(
        "[steps]
         call.at_once = 40
         call.at_most = 2
         'call.rate'.rate = 'unlimited'
         'store.batch'.batch_size = 8",
    )
    .unwrap();
    let step = configured.topology().step("call").unwrap();
    assert_eq!((step.max_demand, step.min_demand), (80, 40));
    assert_eq!(option(&configured, "steps.call.at_once"), "40 from calls.toml");
    assert_eq!(option(&configured, "steps.call.at_most"), "2 from calls.toml");
    let begun = Instant::now();
    let report = configured.start().await.unwrap().join().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(report.stages[4].events_in, 5);
    assert_eq!(report.stages[2].at_once, Some(40));
}

#[tokio::test(start_paused = true)]
async fn a_rate_and_the_time_of_a_batch_are_numbers() {
    let configured = with(
        "[steps]
         'call.rate'.rate = 0.5
         'store.batch'.batch_seconds = 0.25
         call.at_once = 'auto'",
    )
    .unwrap();
    assert_eq!(option(&configured, "steps.call.rate.rate"), "0.5 from calls.toml");
    assert_eq!(option(&configured, "steps.store.batch.batch_seconds"), "0.25 from calls.toml");
    assert_eq!(option(&configured, "steps.call.at_once"), "\"1..=256\" from calls.toml");
    let begun = Instant::now();
    let running = configured.start().await.unwrap();
    let rate = running.monitor().status().steps[1].rate.unwrap();
    assert_eq!((rate.events(), rate.per()), (30, Duration::from_secs(60)));
    let report = running.join().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(18), "{:?}", begun.elapsed());
    assert!(report.stages[4].events_in > 10, "batches are due after 0.25 s: {report}");
}

#[test]
fn what_is_not_set_is_that_of_the_declaration_and_a_struct_has_all_of_it() {
    assert_eq!(option(&calls(), "steps.call.at_once"), "2 from the declaration");
    assert!(calls().options().get("steps.call.rate.rate").is_none(), "its recipe runs at the start");
    let configured = with("[steps]\ncall.at_once = '4..=64'\n'call.rate'.rate = 100").unwrap();
    let options: PipelineOptions = configured.options().to_options();
    assert_eq!(options.steps["call"].at_once, Some(EventsAtOnce { least: 4, most: 64 }));
    let again = calls().configure(&Overrides::new().map("again", &options)).unwrap();
    assert_eq!(option(&again, "steps.call.at_once"), "\"4..=64\" from again");
    assert_eq!(option(&again, "steps.call.rate.rate"), "100 from again");
    let shown = configured.topology().options();
    assert!(shown.iter().any(|option| option.name == "at_once" && option.value == "4..=64"), "{shown:?}");
}

#[test]
fn a_value_or_a_step_that_does_not_fit_is_refused() {
    let told = with(
        "[steps]
         numbers.at_once = 4
         store.batch_size = 4
         call.rate = 4
         call.at_onec = 4
         call.at_once = '64..=4'
         call.at_most = 0
         'call.rate'.rate = 0
         'store.batch'.batch_size = 9
         'store.batch'.batch_seconds = 0",
    )
    .unwrap_err();
    let of = |path: &str| {
        let found = told.iter().find(|line| line.starts_with(&format!("calls.toml: {path}: ")));
        found
            .unwrap_or_else(|| panic!("{path}: {told:#?}"))
            .split_once(": ")
            .unwrap()
            .1
            .split_once(": ")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(
        of("steps.numbers.at_once"),
        "no effect here: the step handles its events one by one; declare it with `at_once`"
    );
    assert!(of("steps.store.batch_size").starts_with("no effect here: the step makes no batches"));
    assert!(of("steps.call.at_onec").starts_with("unknown key; did you mean `at_once`?"));
    assert!(of("steps.call.at_once").ends_with("or bounds such as \"4..=64\", got \"64..=4\""));
    assert_eq!(of("steps.call.at_most"), "expected a whole number of events, at least 1, got 0");
    assert!(of("steps.call.rate.rate").ends_with("or \"unlimited\", got 0"));
    assert!(of("steps.store.batch.batch_size").ends_with("if that states one, got 9"));
    assert_eq!(of("steps.store.batch.batch_seconds"), "expected a number of seconds, above 0, got 0");
    assert_eq!(told.len(), 9, "{told:#?}");
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns a pipeline that sends and checks four numbers: 1 always fails, and 2 hangs. Both steps have the same policy.
fn patient() -> Pipeline {
    let policy =
        FailurePolicy::skip().retry(Backoff::new(SECOND, 4 * SECOND).attempts(3)).deadline(10 * SECOND);
    let call = |number: u64| async move {
        if number == 2 {
            std::future::pending::<()>().await;
        }
        if number == 1 { Err("no answer") } else { Ok(number) }
    };
    Pipeline::builder("patient")
        .start_fn("numbers", || Ok(0..4_u64))
        .step_each("send", policy.clone(), move || Ok(each(call)))
        .step_each_at_once("check", AtOnce::new(2), policy, || {
            Ok(each(|number| async move { Ok::<_, BoxError>(number) }))
        })
        .step_each_fn("plain", FailurePolicy::skip(), |number: u64| Ok::<_, BoxError>(number))
        .finish_fn("drop", drop)
}

fn patient_with(text: &str) -> Result<Pipeline, Vec<String>> {
    let overrides = Overrides::new().toml("patient.toml", text).unwrap();
    patient().configure(&overrides).map_err(|all| all.errors.iter().map(ToString::to_string).collect())
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_a_failure_policy_are_set_by_a_file_for_one_step() {
    let configured = patient_with(
        "[steps.send]
         retry_attempts = 1
         retry_first_seconds = 100
         retry_most_seconds = 100
         deadline_seconds = 0.5",
    )
    .unwrap();
    assert_eq!(option(&configured, "steps.send.retry_attempts"), "1 from patient.toml");
    assert_eq!(option(&configured, "steps.send.deadline_seconds"), "0.5 from patient.toml");
    assert_eq!(option(&configured, "steps.check.retry_attempts"), "3 from the declaration");
    assert_eq!(option(&configured, "steps.check.retry_most_seconds"), "4 from the declaration");
    let begun = Instant::now();
    let report = configured.start().await.unwrap().join().await.unwrap();
    let failures = report.stages[1].failures;
    assert_eq!((failures.retried, failures.skipped, failures.past_deadline), (2, 2, 2));
    // The jitter shortens a delay by up to half.
    let took = begun.elapsed();
    assert!((50 * SECOND..105 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn numbers_of_a_failure_policy_that_are_not_set_are_those_of_the_declaration() {
    let report = patient().start().await.unwrap().join().await.unwrap();
    let failures = report.stages[1].failures;
    assert_eq!((failures.retried, failures.skipped, failures.past_deadline), (6, 2, 4));
    let options: PipelineOptions =
        patient_with("[steps.send]\nretry_attempts = 'unlimited'").unwrap().options().to_options();
    let again = patient().configure(&Overrides::new().map("again", &options)).unwrap();
    assert_eq!(option(&again, "steps.send.retry_attempts"), "\"unlimited\" from again");
    assert_eq!(option(&again, "steps.send.retry_first_seconds"), "1 from again");
}

#[test]
fn a_policy_without_the_number_has_no_key_for_it() {
    let told = patient_with(
        "[steps]
         plain.retry_attempts = 1
         plain.deadline_seconds = 1
         send.retry_attempts = -1
         send.retry_first_seconds = -1
         send.deadline_seconds = 0",
    )
    .unwrap_err();
    let expected = [
        "steps.plain.retry_attempts: no effect here: the step does not retry an event; declare it with `retry`",
        "steps.plain.deadline_seconds: no effect here: the step has no deadline; declare one by `FailurePolicy::deadline`",
        "steps.send.retry_attempts: expected a whole number of attempts after the first, or \"unlimited\", got -1",
        "steps.send.retry_first_seconds: expected a number of seconds, 0 or more, got -1",
        "steps.send.deadline_seconds: expected a number of seconds, above 0, got 0",
    ];
    for line in expected {
        assert!(told.contains(&format!("patient.toml: {line}")), "{line}: {told:#?}");
    }
    assert_eq!(told.len(), expected.len());
}
