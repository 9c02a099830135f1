//! The displayed options can be read back.

use stage_core::config::{Overrides, PipelineOptions};
use stage_core::{Pipeline, StepOptions};

use crate::support::{pipeline, with};

#[test]
fn every_option_is_shown_with_its_origin_as_a_template() {
    let shown = with("max_restarts = 5\n[defaults]\nplacement = 'blocking'\n[steps.double]\ncount = 3\n");
    assert_eq!(
        shown.unwrap().options().to_string(),
        "# The options of upload and their origins.
# At most 689 events are in flight.
strategy = \"rest_for_one\"        # the default
max_restarts = 5                 # upload.toml
within_seconds = 5               # the default
backoff.first_seconds = 0        # the default
backoff.most_seconds = 0         # the default
backoff.attempts = \"unlimited\"   # the default

[steps.numbers]
count = 1                        # the default
placement = \"blocking\"           # the declaration
buffer = 10000                   # the default
keep = \"last\"                    # the default
restart = \"permanent\"            # the default

[steps.double]
# At most 300 events are in flight from numbers.
count = 3                        # upload.toml
demand = \"fixed\"                 # the window that is set
min_demand = 5                   # the declaration
max_demand = 100                 # the declaration
placement = \"blocking\"           # upload.toml
buffer = \"unbounded\"             # the default
keep = \"last\"                    # the default
restart = \"permanent\"            # the default
cancel = \"temporary\"             # the default

[steps.remote-storage]
# At most 3 events are in flight from double.
count = 1                        # the default
demand = \"fixed\"                 # the window that is set
min_demand = 0                   # half of max_demand
max_demand = 1                   # the declaration
placement = \"blocking\"           # upload.toml
buffer = \"unbounded\"             # the default
keep = \"last\"                    # the default
restart = \"permanent\"            # the default
cancel = \"temporary\"             # the default

[steps.drop]
# At most 100 events are in flight from remote-storage.
count = 1                        # the default
demand = \"fixed\"                 # the window that is set
min_demand = 1                   # the default
max_demand = 100                 # the declaration
placement = \"blocking\"           # upload.toml
restart = \"permanent\"            # the default
cancel = \"temporary\"             # the default
"
    );
}

#[test]
fn the_shown_options_can_be_read_back_and_change_nothing() {
    let odd = || {
        Pipeline::builder("odd")
            .start_fn("it's a \"name\" [x]", || Ok(0..3))
            .finish_fn(StepOptions::named("dots.and.more").count(2).max_demand(7), drop)
    };
    for declared in [pipeline(), odd()] {
        let before = declared.options();
        let text = before.to_string();
        let after =
            declared.configure(&Overrides::new().toml("again.toml", &text).unwrap()).unwrap().options();
        let values = |options: &stage_core::config::EffectiveOptions| -> Vec<_> {
            options.options.iter().map(|option| (option.path(), option.value.clone())).collect()
        };
        assert_eq!(values(&before), values(&after));
        assert!(after.options.iter().all(|option| option.origin.to_string() == "again.toml"), "{after}");
        assert_eq!(before.to_options(), after.to_options());
    }
}

#[test]
fn options_are_a_struct_that_serde_writes_and_reads() {
    let options = pipeline().options().to_options();
    assert_eq!(options.steps["double"].count, Some(2.into()));
    assert_eq!(options.within_seconds, Some(5.0));
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<PipelineOptions>(&text).unwrap(), options);
    let error = serde_json::from_str::<PipelineOptions>(r#"{"steps": {"a": {"cuont": 3}}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `cuont`"), "{error}");
    let shown = serde_json::to_value(pipeline().options()).unwrap();
    assert_eq!(shown["options"][6]["step"], "numbers");
    assert_eq!(shown["options"][6]["origin"], "default");
}
