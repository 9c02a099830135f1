//! The pipeline that these tests configure, and helpers.

use stage_core::config::{ConfigErrors, Overrides};
use stage_core::{Pipeline, Placement, StepOptions};

/// Numbers, doubled by two copies, through a segment of two steps, into a sink that drops them.
pub(crate) fn pipeline() -> Pipeline {
    Pipeline::builder("upload")
        .defaults(StepOptions::new().max_demand(100))
        .start_fn(StepOptions::named("numbers").placement(Placement::Blocking), || Ok(0..1000_u64))
        .step_fn(StepOptions::named("double").count(2).min_demand(5), |number| number * 2)
        .step_fn(StepOptions::named("remote-storage").max_demand(1), |number| number + 1)
        .finish_fn("drop", drop)
}

/// Returns the same pipeline, configured by a TOML text.
pub(crate) fn with(toml: &str) -> Result<Pipeline, ConfigErrors> {
    pipeline().configure(&Overrides::new().toml("upload.toml", toml).unwrap())
}

/// Returns the errors of a TOML text, line by line.
pub(crate) fn mistakes(toml: &str) -> Vec<String> {
    let errors = with(toml).expect_err("there are mistakes").errors;
    errors.iter().map(ToString::to_string).collect()
}

/// Returns `value from origin` for an option.
pub(crate) fn option(pipeline: &Pipeline, path: &str) -> String {
    let options = pipeline.options();
    let option = options.get(path).unwrap_or_else(|| panic!("{path} in {options}"));
    format!("{} from {}", option.value, option.origin)
}
