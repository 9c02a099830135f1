//! Applies overrides to a declared pipeline.

use super::effective::EffectiveOptions;
use super::error::{ConfigError, ConfigErrors, Problem};
use super::overrides::Overrides;
use super::patch::{Patch, path_of_step};
use super::read::Step;
use super::setting::Setting;
use crate::base::option_error::OptionError;
use crate::credit::demand::WindowError;
use crate::pipeline::{Pipeline, StepDeclaration};

/// Configures a declaration made by `pipeline!`, which becomes a [`Pipeline`].
///
/// ```
/// use stage_core::config::{Configure, Overrides};
/// use stage_core::pipeline;
///
/// pipeline! {
///     Squares(limit: u64) {
///         start  0..limit;
///         step   |number| number * number, name: "square", count: 2;
///         finish drop;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let overrides = Overrides::new().toml("squares.toml", "[steps.square]\ncount = 3\n")?;
/// let running = Squares::new(100).configure(&overrides)?.start().await?;
/// assert_eq!(running.topology().step("square").map(|step| step.count), Some(3));
/// # running.join().await?;
/// # Ok(())
/// # }
/// ```
pub trait Configure: Into<Pipeline> {
    /// Returns the pipeline with these options.
    ///
    /// # Errors
    ///
    /// Like [`Pipeline::configure`].
    fn configure(self, overrides: &Overrides) -> Result<Pipeline, ConfigErrors> {
        Pipeline::configure(self.into(), overrides)
    }
}

impl<P: Into<Pipeline>> Configure for P {}

impl Pipeline {
    /// Returns the pipeline with these options. May be called several times; later calls take precedence.
    ///
    /// ```
    /// use stage_core::Pipeline;
    /// use stage_core::config::Overrides;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pipeline = Pipeline::builder("numbers").start_fn("numbers", || Ok(0..10)).finish_fn("print", drop);
    /// let overrides = Overrides::new().toml("numbers.toml", "strategy = 'one_for_all'")?;
    /// let options = pipeline.configure(&overrides)?.options();
    /// assert_eq!(options.get("strategy").map(|option| &option.value), Some(&"one_for_all".into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] lists all errors, each with its path, its origin and the legal values.
    pub fn configure(mut self, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let steps: Vec<_> = self.declarations().map(|step| Step::of(&step)).collect();
        let (patch, mut errors) = Patch::read(overrides, &steps);
        let mut windows = vec![None; steps.len()];
        for ((step, knob), value) in &patch.knobs {
            windows[*step] = steps[*step].knobs[*knob].set(value.clone()).or(windows[*step]);
        }
        let mut whole = self.whole();
        whole.strategy = patch.strategy.unwrap_or(whole.strategy);
        whole.intensity.max_restarts = patch.max_restarts.unwrap_or(whole.intensity.max_restarts);
        whole.intensity.within = patch.within.unwrap_or(whole.intensity.within);
        match patch.backoff.over(whole.backoff, |path| patch.origins.get(path).cloned()) {
            Ok(backoff) => whole.backoff = backoff,
            Err(error) => errors.push(error),
        }
        if let Some(parts) = patch.parts {
            match self.check_parts(&parts) {
                Ok(()) => whole.parts = Some(parts),
                Err(error) => errors.push(ConfigError {
                    origin: patch.origins.get("parts").cloned().unwrap_or_default(),
                    path: "parts".to_owned(),
                    problem: Problem::Options { error, origins: Vec::new() },
                }),
            }
        }
        whole.origins.extend(patch.origins.clone());
        let mut changes = patch.steps.iter().zip(windows);
        let wrong = self.redeclare(whole, |_, own, defaults| {
            let own = changes.next().map_or_else(
                || own.clone(),
                |(change, window)| {
                    let mut own = own.clone();
                    if let Some((usual, new)) = window
                        && (own.max_demand, own.min_demand) == (Some(usual), Some(usual / 2))
                    {
                        own = own.max_demand(new).min_demand(new / 2);
                    }
                    let mut next = change.or(&own);
                    next.name.clone_from(&own.name);
                    next
                },
            );
            (own, patch.defaults.or(defaults))
        });
        let options = self.options();
        errors.extend(wrong.into_iter().map(|error| together(error, &self, &options)));
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ConfigErrors { pipeline: self.topology().name.clone(), errors })
        }
    }

    /// Returns every effective option, with its origin.
    pub fn options(&self) -> EffectiveOptions {
        EffectiveOptions::of(self)
    }
}

/// Converts an error in the combination of several options of one step; adds the origin of each of them.
fn together(error: OptionError, pipeline: &Pipeline, options: &EffectiveOptions) -> ConfigError {
    let settings: &[Setting] = match &error {
        OptionError::Count { .. }
        | OptionError::TooManyCopies { .. }
        | OptionError::TooManyInLanes { .. }
        | OptionError::Single { .. }
        | OptionError::EdgeCopies { .. } => &[Setting::Count],
        OptionError::Buffer { .. } => &[Setting::Buffer],
        OptionError::Window { source: WindowError::TooMuch { .. }, .. } => &[Setting::MaxDemand],
        OptionError::Window { source: WindowError::Bound { .. }, .. } => &[Setting::Demand],
        _ => &[Setting::MinDemand, Setting::MaxDemand],
    };
    let step = error.step().to_owned();
    let declaration = pipeline.declarations().find(|declaration| declaration.name == step);
    let from = |setting: &Setting| {
        let origin =
            declaration.as_ref().map(|step: &StepDeclaration<'_>| options.origin_in(step, *setting))?;
        Some(format!("{setting} is from {origin}"))
    };
    // An error about a single option needs no further origins.
    let origins: Vec<_> = settings.iter().filter(|_| settings.len() > 1).filter_map(from).collect();
    let path = match settings {
        [setting] => path_of_step(&step, *setting),
        _ => format!("steps.{step}"),
    };
    let set = settings.iter().find_map(|setting| options.overridden(&step, *setting));
    let origin = set.unwrap_or("the declaration").to_owned();
    ConfigError { origin, path, problem: Problem::Options { error, origins } }
}
