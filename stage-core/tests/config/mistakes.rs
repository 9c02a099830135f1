//! All errors are reported at once, each with its path, its origin and the legal values.

use std::collections::BTreeMap;
use std::time::Duration;

use stage_core::config::{Overrides, Problem};
use stage_core::{Demand, Emitter, Pipeline, Producer, StageResult};

use crate::support::{mistakes, pipeline};

#[test]
fn all_mistakes_of_a_file_are_reported_together() {
    let told = mistakes(
        "stratgy = 'one_for_all'
         strategy = 'one_for_one_'
         max_restarts = -1
         within_seconds = 0
         steps.duoble.count = 3
         steps.double.cuont = 3
         steps.double.count = 0
         steps.double.max_demand = '20'
         steps.double.placement = 'moon'
         steps.double.keep = 'middle'
         steps.double.restart = 'permament'
         steps.numbers.cancel = 'permanent'
         backoff.fisrt_seconds = 1
         backoff.first_seconds = -1
         backoff.most_seconds = 'long'
         backoff.attempts = 1.5
         steps.numbers.max_demand = 3
         steps.drop.buffer = 3
         defaults.buffer = 'bounded'
         steps.remote-storage = 4
        ",
    );
    let mut expected = [
        "upload.toml: backoff.attempts: expected a whole number of restarts, or \"unlimited\", got 1.5",
        "upload.toml: backoff.first_seconds: expected a number of seconds, from 0 to backoff.most_seconds, got -1",
        "upload.toml: backoff.fisrt_seconds: unknown key; did you mean `first_seconds`? the keys here are `first_seconds`, `most_seconds` and `attempts`",
        "upload.toml: backoff.most_seconds: expected a number of seconds, 0 or more, got \"long\"",
        "upload.toml: steps.double.restart: expected \"permanent\", \"transient\" or \"temporary\", got \"permament\"",
        "upload.toml: steps.numbers.cancel: no effect here: a source has no producer that could end; set it on the steps after it",
        "upload.toml: defaults.buffer: expected a whole number of events, or \"unbounded\", got \"bounded\"",
        "upload.toml: max_restarts: expected a whole number of restarts, got -1",
        "upload.toml: steps.double.count: expected a whole number of copies, at least 1, or a range such as \"1..=8\", got 0",
        "upload.toml: steps.double.cuont: unknown key; did you mean `count`? the keys here are `count`, `demand`, `min_demand`, `max_demand`, `placement`, `buffer`, `keep`, `restart` and `cancel`",
        "upload.toml: steps.double.keep: expected \"first\" or \"last\", got \"middle\"",
        "upload.toml: steps.double.max_demand: expected a whole number of events, at least 1, got \"20\"",
        "upload.toml: steps.drop.buffer: no effect here: a last step emits nothing, so it has nothing to buffer",
        "upload.toml: steps.duoble.count: unknown step; did you mean `double`? the steps are `numbers`, `double`, `remote-storage` and `drop`",
        "upload.toml: steps.numbers.max_demand: no effect here: a source has no producer to ask; set it on the steps after it",
        "upload.toml: steps.remote-storage: expected a table of options, such as `count`, got 4",
        "upload.toml: strategy: expected \"one_for_one\", \"one_for_all\" or \"rest_for_one\", got \"one_for_one_\"",
        "upload.toml: stratgy: unknown key; did you mean `strategy`? the keys here are `strategy`, `max_restarts`, `within_seconds`, `backoff`, `parts`, `defaults` and `steps`",
        "upload.toml: within_seconds: expected a number of seconds, above 0, got 0",
    ];
    let (placements, mut others): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|line| line.contains("placement: "));
    others.sort();
    expected.sort_unstable();
    assert_eq!(others, expected);
    assert!(
        placements[0].starts_with("upload.toml: steps.double.placement: expected \"runtime\""),
        "{placements:?}"
    );
}

#[test]
fn sizes_beyond_any_machine_are_refused_with_the_file_the_path_and_the_most() {
    let told = mistakes("steps.double.count = 65537\nsteps.drop.count = 9223372036854775807");
    assert_eq!(
        told,
        [
            "upload.toml: steps.double.count: step `double`: count must be at most 65536, got 65537",
            "upload.toml: steps.drop.count: step `drop`: count must be at most 65536, got 9223372036854775807",
        ]
    );
    let told = mistakes("defaults.buffer = 9223372036854775807");
    let numbers = "upload.toml: steps.numbers.buffer: step `numbers`: buffer must be at most 1000000000, \
                   got 9223372036854775807";
    assert_eq!(told[0], numbers);
    let told = mistakes("steps.double.max_demand = 1000000001");
    assert_eq!(
        told,
        [
            "upload.toml: steps.double.max_demand: step `double`: max_demand must be at most 1000000000, got 1000000001"
        ]
    );
}

#[test]
fn unmeasurable_times_and_numbers_that_are_nan_are_refused_by_name() {
    for odd in ["nan", "inf", "-inf", "1e300"] {
        let told = mistakes(&format!("within_seconds = {odd}\nbackoff.most_seconds = {odd}"));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|line| line.contains("expected a number of seconds")), "{told:?}");
    }
}

#[test]
fn conflicting_options_are_reported_with_their_origins() {
    assert_eq!(
        mistakes("[steps.double]\nmax_demand = 5\n"),
        [
            "upload.toml: steps.double: step `double`: min_demand must be between 0 and 4 (max_demand - 1), got 5 (min_demand is from the declaration, max_demand is from upload.toml)"
        ]
    );
    let both = Overrides::new()
        .map("a map", &BTreeMap::from([("defaults.min_demand", 100)]))
        .variables("X", [("X__STEPS__REMOTE_STORAGE__MIN_DEMAND", "1")]);
    let errors = pipeline().configure(&both).unwrap_err().errors;
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "a map: steps.numbers: step `numbers`: min_demand must be between 0 and 99 (max_demand - 1), got 100 (min_demand is from a map, max_demand is from the declaration)",
            "the variable X__STEPS__REMOTE_STORAGE__MIN_DEMAND: steps.remote-storage: step `remote-storage`: min_demand must be between 0 and 0 (max_demand - 1), got 1 (min_demand is from the variable X__STEPS__REMOTE_STORAGE__MIN_DEMAND, max_demand is from the declaration)",
            "a map: steps.drop: step `drop`: min_demand must be between 0 and 99 (max_demand - 1), got 100 (min_demand is from a map, max_demand is from the declaration)",
        ]
    );
}

#[test]
fn a_first_wait_above_the_longest_names_both() {
    assert_eq!(
        mistakes("backoff = { first_seconds = 9, most_seconds = 0.5 }"),
        [
            "upload.toml: backoff.first_seconds: expected a number of seconds, from 0 to backoff.most_seconds, got 9 (the other is 0.5)"
        ]
    );
    let patient = || {
        let backoff = stage_core::Backoff::new(Duration::from_secs(2), Duration::from_secs(9));
        Pipeline::builder("patient").backoff(backoff).start_fn("numbers", || Ok(0..3)).finish_fn("drop", drop)
    };
    let short = Overrides::new().map("a map", &BTreeMap::from([("backoff.most_seconds", 1)]));
    assert_eq!(
        patient().configure(&short).unwrap_err().errors[0].to_string(),
        "a map: backoff.most_seconds: expected a number of seconds, at least backoff.first_seconds, got 1 (the other is 2)"
    );
}

#[test]
fn mistakes_in_variables_name_the_variable() {
    let variables = [
        ("UP__STEPS__DUOBLE__COUNT", "3"),
        ("UP__STEPS__DOUBLE__COUNT", "many"),
        ("up__steps__remote_storage__count", " 2 "),
        ("UP__", "1"),
        ("UP", "1"),
    ];
    let errors = pipeline().configure(&Overrides::new().variables("UP", variables)).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "the pipeline `upload` cannot be configured
  the variable UP__STEPS__DUOBLE__COUNT: steps.duoble.count: unknown step; did you mean `double`? the steps are `numbers`, `double`, `remote-storage` and `drop`
  the variable UP__STEPS__DOUBLE__COUNT: steps.double.count: expected a whole number of copies, at least 1, or a range such as \"1..=8\", got \"many\"
  the variable UP__: : unknown key; the keys here are `strategy`, `max_restarts`, `within_seconds`, `backoff`, `parts`, `defaults` and `steps`"
    );
}

/// A source that allows one copy only.
#[derive(Debug)]
struct Alone;

impl Producer for Alone {
    type Event = u8;

    const SINGLE: bool = true;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u8>) -> StageResult {
        out.finish();
        Ok(())
    }
}

#[test]
fn a_source_of_one_copy_is_not_doubled_by_overrides() {
    let alone = Pipeline::builder("alone").start("alone", || Ok(Alone)).finish_fn("drop", drop);
    let errors =
        alone.configure(&Overrides::new().map("test", &BTreeMap::from([("defaults.count", 2)]))).unwrap_err();
    assert_eq!(errors.errors.len(), 1);
    assert_eq!(errors.errors[0].path, "steps.alone.count");
    assert!(matches!(errors.errors[0].problem, Problem::Options { .. }), "{errors}");
    assert!(
        errors
            .to_string()
            .contains("test: steps.alone.count: step `alone`: this source allows one copy only"),
        "{errors}"
    );
}

#[test]
fn any_input_is_an_option_or_a_mistake_and_never_a_panic() {
    let values =
        ["1", "-1", "0", "1e300", "null", "true", "\"\"", "\"unbounded\"", "[]", "[1]", "{}", "{\"\": {}}"];
    let keys = [
        "",
        ".",
        "steps",
        "steps.",
        "steps.double",
        "steps..count",
        "steps.double.count",
        "steps.double.x.y",
    ];
    let keys = keys.into_iter().chain([
        "defaults",
        "defaults.keep.x",
        "strategy",
        "within_seconds",
        "steps.double.buffer",
    ]);
    for key in keys {
        for value in values {
            let text = format!("{{\"{key}\": {value}}}");
            let overrides = Overrides::new().json("noise", &text).unwrap();
            match pipeline().configure(&overrides) {
                Ok(configured) => assert_eq!(configured.topology().steps.len(), 4, "{text}"),
                Err(errors) => {
                    assert!(
                        errors.errors.iter().all(|error| error.to_string().starts_with("noise: ")),
                        "{errors}"
                    );
                }
            }
        }
    }
}
