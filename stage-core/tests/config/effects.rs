//! The effects of overrides on a pipeline.

use std::collections::BTreeMap;
use std::time::Duration;

use stage_core::config::{Configure as _, Overrides, PipelineOptions, StepSettings};
use stage_core::{Capacity, Keep, Pipeline, Placement, Restart, StepOptions, Tuning, pipeline};

use crate::support::{option, pipeline, with};

#[tokio::test]
async fn a_pipeline_runs_with_the_given_options() {
    let configured = with("[steps.double]\ncount = 4\nmax_demand = 20\n").unwrap();
    let step = configured.topology().step("double").unwrap().clone();
    assert_eq!((step.count, step.min_demand, step.max_demand), (4, 5, 20));
    assert_eq!(configured.topology().subscriptions(), 4 + 4 + 1);
    let report = configured.start().await.unwrap().join().await.unwrap();
    let double: Vec<_> = report.stages.iter().filter(|stage| stage.step == "double").collect();
    assert_eq!(double.len(), 4);
    assert_eq!(double.iter().map(|stage| stage.events_in).sum::<u64>(), 1000);
    // With a window of 20/5, no batch holds more than 15 events.
    assert!(double.iter().all(|stage| stage.batches >= stage.events_in.div_ceil(15)), "{double:?}");
}

#[test]
fn step_options_override_defaults_and_overrides_override_the_declaration() {
    let configured = with(
        "[defaults]
         max_demand = 50
         count = 3
         [steps]
         numbers.count = 1
         remote-storage.min_demand = 0",
    )
    .unwrap();
    let topology = configured.topology();
    let demands: Vec<_> =
        topology.steps.iter().map(|step| (step.count, step.min_demand, step.max_demand)).collect();
    // Overridden defaults replace the declared defaults, but no option of a step.
    assert_eq!(demands[1..], [(2, 5, 50), (3, 0, 1), (3, 1, 50)]);
}

#[test]
fn a_window_is_tuned_or_fixed_as_the_nearest_option_says() {
    let tuned = |toml: &str| {
        let configured = with(toml).unwrap();
        let steps = configured.topology().steps[1..].iter().map(|step| step.demand.to_string());
        steps.collect::<Vec<_>>()
    };
    // The defaults of the declaration set a `max_demand`, and so does `remote-storage`.
    assert_eq!(tuned(""), ["fixed"; 3]);
    assert_eq!(tuned("defaults.demand = 'auto'"), ["fixed", "fixed", "auto"]);
    assert_eq!(tuned("defaults.demand = 'auto'\ndefaults.max_demand = 50"), ["fixed", "fixed", "auto"]);
    let one = "[steps]\ndouble.demand = 'auto(..=500)'\nremote-storage.demand = 'auto'";
    assert_eq!(tuned(one), ["auto(..=500)", "auto", "fixed"]);
    let configured = with(one).unwrap();
    let step = configured.topology().step("double").unwrap();
    assert_eq!((step.min_demand, step.max_demand), (128, 256));
    assert_eq!(option(&configured, "steps.double.demand"), "\"auto(..=500)\" from upload.toml");
    assert!(configured.options().get("steps.double.max_demand").is_none());
    // A window in a later layer replaces a tuned one.
    let layers = Overrides::new()
        .toml("a.toml", "steps.double.demand = 'auto'")
        .unwrap()
        .toml(
            "b.toml",
            "steps.double.demand = 'fixed'\nsteps.double.max_demand = 5\nsteps.double.min_demand = 0",
        )
        .unwrap();
    let configured = pipeline().configure(&layers).unwrap();
    assert_eq!(configured.topology().step("double").unwrap().max_demand, 5);
    let coded = Pipeline::builder("coded")
        .start_fn("numbers", || Ok(0..9))
        .finish_fn(StepOptions::named("sink").demand(Tuning::Auto), drop::<i32>)
        .configure(&Overrides::new().toml("c.toml", "steps.sink.max_demand = 5").unwrap())
        .unwrap();
    let step = coded.topology().step("sink").unwrap();
    assert_eq!((step.demand, step.max_demand), (Tuning::Fixed, 5));
}

#[test]
fn the_last_of_several_layers_counts() {
    let layers = Overrides::new()
        .toml("a.toml", "strategy = 'one_for_all'\n[steps.double]\ncount = 3\nmax_demand = 30\n")
        .unwrap()
        .json("b", r#"{"steps": {"double": {"count": 4}}}"#)
        .unwrap()
        .map("c", &BTreeMap::from([("steps.double.min_demand", 7)]))
        .variables(
            "UP",
            [("UP__STEPS__DOUBLE__COUNT", "5"), ("UPPER__STEPS", "x"), ("HOME", "/"), ("U", "")],
        );
    let configured = pipeline().configure(&layers).unwrap();
    for (path, expected) in [
        ("strategy", "\"one_for_all\" from a.toml"),
        ("steps.double.count", "5 from the variable UP__STEPS__DOUBLE__COUNT"),
        ("steps.double.max_demand", "30 from a.toml"),
        ("steps.double.min_demand", "7 from c"),
        ("steps.double.placement", "\"runtime\" from the default"),
    ] {
        assert_eq!(option(&configured, path), expected, "{path}");
    }
    let again =
        configured.configure(&Overrides::new().map("d", &BTreeMap::from([("steps.double.count", 1)])));
    assert_eq!(option(&again.unwrap(), "steps.double.count"), "1 from d");
}

#[test]
fn a_struct_of_options_is_a_layer_too() {
    let mut options =
        PipelineOptions { max_restarts: Some(9), within_seconds: Some(0.5), ..Default::default() };
    let double = StepSettings {
        placement: Some(Placement::Blocking),
        buffer: Some(Capacity::Bounded(12)),
        keep: Some(Keep::First),
        ..Default::default()
    };
    options.steps.insert("double".to_owned(), double);
    let configured = pipeline().configure(&Overrides::new().map("the tuner", &options)).unwrap();
    for (path, expected) in [
        ("max_restarts", "9 from the tuner"),
        ("within_seconds", "0.5 from the tuner"),
        ("steps.double.placement", "\"blocking\" from the tuner"),
        ("steps.double.buffer", "12 from the tuner"),
        ("steps.double.keep", "\"first\" from the tuner"),
    ] {
        assert_eq!(option(&configured, path), expected, "{path}");
    }
}

#[tokio::test]
async fn more_restarts_from_outside_are_survived() {
    let fails = || {
        Pipeline::builder("fails")
            .start_fn("numbers", || Ok(0..40_u32))
            .step_fn("panics", |number| {
                assert!(!number.is_multiple_of(8) || number == 0, "on purpose");
                number
            })
            .finish_fn("drop", drop)
    };
    assert!(fails().start().await.unwrap().join().await.is_err(), "there are more panics than restarts");
    let never = Overrides::new().json("test", r#"{"max_restarts": 0}"#).unwrap();
    let failed = fails().configure(&never).unwrap().start().await.unwrap().join().await.unwrap_err();
    assert!(failed.to_string().contains("panics"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn restarts_wait_as_long_as_overridden() {
    let fails = || {
        Pipeline::builder("fails")
            .start_fn("numbers", || Ok(0..40_u32))
            .step_fn(StepOptions::named("panics"), |number| {
                assert!(number != 8, "on purpose");
                number
            })
            .finish_fn("drop", drop)
    };
    let elapsed = async |toml: &str| {
        let begun = tokio::time::Instant::now();
        let declared = fails().configure(&Overrides::new().toml("waits.toml", toml).unwrap()).unwrap();
        declared.start().await.unwrap().join().await.unwrap();
        begun.elapsed()
    };
    assert_eq!(elapsed("").await, Duration::ZERO);
    let waited = elapsed("backoff.first_seconds = 8").await;
    assert!(waited >= Duration::from_secs(4) && waited <= Duration::from_secs(8), "{waited:?}");
    let waited = elapsed("[backoff]\nfirst_seconds = 0.5\nmost_seconds = 60\nattempts = 3\n").await;
    assert!(waited >= Duration::from_millis(250) && waited <= Duration::from_millis(500), "{waited:?}");
    let never = Overrides::new().json("test", r#"{"backoff": {"attempts": 0}}"#).unwrap();
    assert!(fails().configure(&never).unwrap().start().await.unwrap().join().await.is_err());
}

#[tokio::test]
async fn a_step_overridden_as_temporary_is_not_restarted() {
    let fails = || {
        Pipeline::builder("fails")
            .start_fn("numbers", || Ok(0..40_u32))
            .step_fn(StepOptions::named("panics").restart(Restart::Permanent), |number| {
                assert!(number != 8, "on purpose");
                number
            })
            .finish_fn("drop", drop)
    };
    let temporary = Overrides::new().toml("t.toml", "[steps.panics]\nrestart = 'temporary'\n").unwrap();
    let temporary = fails().configure(&temporary).unwrap();
    assert_eq!(option(&temporary, "steps.panics.restart"), "\"temporary\" from t.toml");
    let report = temporary.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages[1].restarts, 0);
    let report = fails().start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages[1].restarts, 1);
}

#[tokio::test]
async fn options_that_were_declared_wrong_can_be_put_right() {
    let wrong = || {
        Pipeline::builder("wrong")
            .start_fn("numbers", || Ok(0..10_u32))
            .step_fn(StepOptions::named("step").count(0), |number| number)
            .finish_fn("drop", drop)
    };
    assert!(wrong().start().await.is_err());
    let right = Overrides::new().toml("right.toml", "[steps.step]\ncount = 2\n").unwrap();
    let right = wrong().configure(&right).unwrap();
    assert_eq!(right.topology().stages(), 4);
    right.start().await.unwrap().join().await.unwrap();
    let errors = wrong().configure(&Overrides::new()).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "the pipeline `wrong` cannot be configured\n  the declaration: steps.step.count: step `step`: count must be at least 1, got 0"
    );
}

pipeline! {
    Squares(limit: u64) {
        count: 2,
        start  0..limit, count: 1;
        step   |number| number * number, name: "square", by: |number| *number;
        finish drop;
    }
}

#[tokio::test]
async fn a_pipeline_of_the_macro_is_configured_the_same_way() {
    let overrides =
        Overrides::new().toml("squares.toml", "[steps.square]\ncount = 3\n[steps.drop]\ncount = 1\n");
    let running = Squares::new(100).configure(&overrides.unwrap()).unwrap().start().await.unwrap();
    assert_eq!(running.topology().stages(), 1 + 3 + 1);
    let report = running.join().await.unwrap();
    assert_eq!(report.stages.last().unwrap().events_in, 100);
}

#[tokio::test]
async fn lanes_and_parts_keep_their_shape() {
    let graph = Pipeline::builder("graph")
        .start_fn("numbers", || Ok(0..100_u64))
        .partition(3, |number| number % 3, |lane| lane.step_fn("inner", |number| number + 1))
        .finish_fn("drop", drop);
    let overrides = Overrides::new().toml("graph.toml", "[steps.inner]\ncount = 2\n").unwrap();
    let graph = graph.configure(&overrides).unwrap();
    assert_eq!((graph.topology().stages(), graph.topology().subscriptions()), (1 + 6 + 1, 6 + 6));
    let report = graph.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages.last().unwrap().events_in, 100);
}

#[tokio::test]
async fn a_range_of_copies_comes_from_a_file_or_a_variable() {
    let overrides = Overrides::new()
        .toml("upload.toml", "[steps.double]\ncount = \"1..=4\"\n")
        .unwrap()
        .variables("UP", [("UP__STEPS__REMOTE_STORAGE__COUNT", "2..=3")]);
    let configured = pipeline().configure(&overrides).unwrap();
    assert_eq!(option(&configured, "steps.double.count"), "\"1..=4\" from upload.toml");
    assert_eq!(
        option(&configured, "steps.remote-storage.count"),
        "\"2..=3\" from the variable UP__STEPS__REMOTE_STORAGE__COUNT"
    );
    let running = configured.start().await.unwrap();
    running.set_count("double", 4).unwrap();
    assert!(running.set_count("remote-storage", 1).is_err());
    let report = running.join().await.unwrap();
    let last = report.stages.last().unwrap();
    assert_eq!((last.step.as_str(), last.events_in), ("drop", 1000));
    let wrong =
        |count: &str| with(&format!("[steps.double]\ncount = \"{count}\"\n")).unwrap_err().to_string();
    for count in ["0..=4", "4..=1", "1..4", "1.."] {
        assert!(wrong(count).contains("a range such as \"1..=8\""), "{}", wrong(count));
    }
    let source = with("[steps.numbers]\ncount = \"1..=1\"\n");
    assert!(source.is_ok());
}
