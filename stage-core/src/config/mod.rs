//! Options of pipelines from files, maps and environment variables, addressed by step name, without
//! recompiling.
//!
//! ```
//! use stage_core::{Pipeline, StepOptions};
//! use stage_core::config::Overrides;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let overrides = Overrides::new()
//!     .toml("upload.toml", "strategy = 'one_for_all'\n[steps.square]\ncount = 4\nmax_demand = 20\n")?
//!     .variables("UPLOAD", [("UPLOAD__STEPS__SQUARE__COUNT", "2"), ("PATH", "/bin")]);
//!
//! let pipeline = Pipeline::builder("upload")
//!     .start_fn("numbers", || Ok(1..=100_u64))
//!     .step_fn(StepOptions::named("square").min_demand(5), |number| number * number)
//!     .finish_fn("check", |square| assert!(square > 0))
//!     .configure(&overrides)?;
//!
//! let options = pipeline.options();
//! let count = options.get("steps.square.count").expect("it is a step");
//! assert_eq!(format!("{} from {}", count.value, count.origin), "2 from the variable UPLOAD__STEPS__SQUARE__COUNT");
//! println!("{options}"); // all options with their origins, as a file to start from
//!
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages.len(), 1 + 2 + 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Values and errors
//!
//! A program may also read its options into a value, and change it before use:
//!
//! ```
//! use stage_core::config::{Attempts, BackoffSettings, EventsAtOnce, EventsPerSecond, Unlimited};
//! use stage_core::config::{OptionOrigin, Overrides, PipelineOptions};
//! use stage_core::{Pipeline, StepOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = r#"
//!     [backoff]
//!     first_seconds = 0.5
//!     attempts = "unlimited"
//!     [steps.send]
//!     count = 2
//!     at_once = "4..=64"
//!     rate = 100.0
//! "#;
//! let options: PipelineOptions = toml::from_str(file)?;
//! let backoff: BackoffSettings = options.backoff;
//! assert!(!backoff.is_empty());
//! assert_eq!(backoff.attempts, Some(Attempts::Unlimited(Unlimited::Unlimited)));
//! let send = options.steps["send"];
//! assert_eq!(send.at_once, Some(EventsAtOnce { least: 4, most: 64 }));
//! assert_eq!(send.rate, Some(EventsPerSecond::Number(100.0)));
//! assert!(!send.is_empty());
//!
//! let pipeline = Pipeline::builder("numbers")
//!     .start_fn("numbers", || Ok(0..10))
//!     .finish_fn(StepOptions::named("send"), |number| println!("{number}"));
//! let count = Overrides::new().toml("numbers.toml", "[numbers.steps.send]\ncount = 2")?.section("numbers");
//! let options = pipeline.configure(&count)?.options();
//! let count = options.get("steps.send.count").ok_or("it is a step")?;
//! assert_eq!((count.path(), &count.origin), ("steps.send.count".to_owned(), &OptionOrigin::Override("numbers.toml".into())));
//! assert_eq!(options.to_options().steps["send"].count, Some(2.into()));
//! # Ok(())
//! # }
//! ```
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::config::{ConfigError, ConfigErrors, EffectiveOption, EffectiveOptions, Overrides, OverridesError, Problem};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = || Pipeline::builder("numbers").start_fn("numbers", || Ok(0..10)).finish_fn("print", drop);
//! let wrong = Overrides::new().toml("numbers.toml", "[steps.prin]\ncount = 2")?;
//! let errors: ConfigErrors = pipeline().configure(&wrong).unwrap_err();
//! let error: &ConfigError = &errors.errors[0];
//! assert_eq!((&*error.origin, &*error.path), ("numbers.toml", "steps.prin.count"));
//! assert!(matches!(&error.problem, Problem::Step { meant: Some(step), .. } if step == "print"));
//!
//! let missing = Overrides::new().file("/no such file.toml");
//! assert!(matches!(missing, Err(OverridesError::Read { .. })));
//!
//! let options: EffectiveOptions = pipeline().options();
//! let strategy: &EffectiveOption = options.get("strategy").ok_or("every pipeline has one")?;
//! assert_eq!(strategy.value, "rest_for_one");
//! # Ok(())
//! # }
//! ```
//!
//! # Available options
//!
//! | path | |
//! |---|---|
//! | `strategy` | `one_for_one`, `one_for_all` or `rest_for_one` |
//! | `max_restarts`, `within_seconds` | the number of failures the pipeline tolerates, and the period for them |
//! | `backoff.first_seconds`, `backoff.most_seconds` | the delay before a restart: it doubles from the first value up to the other; 0 restarts immediately |
//! | `backoff.attempts` | the number of restarts after which the pipeline gives up, or `unlimited` |
//! | `parts` | the parts that this process runs of a pipeline with [edges](crate::pipeline::Across): `all`, `before EDGE`, `behind EDGE`, or several of these joined by `and` |
//! | `defaults.…` | an option for every step that does not set it itself |
//! | `steps.NAME.count` | the number of copies, at least 1, or a range such as `"1..=8"` |
//! | `steps.NAME.demand` | `auto`, `auto(..=500)` or `fixed`: how the window is chosen; not for sources |
//! | `steps.NAME.max_demand` | at least 1 event; not for sources |
//! | `steps.NAME.min_demand` | from 0 to `max_demand` − 1 events; not for sources |
//! | `steps.NAME.placement` | `runtime`, `blocking` or `rayon` |
//! | `steps.NAME.buffer` | events, or `unbounded`; not for last steps |
//! | `steps.NAME.keep` | `first` or `last`; not for last steps |
//! | `steps.NAME.at_once` | for a step declared with `at_once`: how many events it handles at once: at least 1, `auto`, or bounds such as `4..=64` |
//! | `steps.NAME.at_most` | for a step declared with `at_most`: at least 1 event with equal keys at once |
//! | `steps.NAME.rate` | for a step that limits a rate, such as `send.rate`: events per second, or `unlimited` |
//! | `steps.NAME.batch_size`, `steps.NAME.batch_seconds` | for a step that makes batches, such as `send.batch`: the limits of a batch |
//! | `steps.NAME.retry_attempts` | for a step that retries: the attempts after the first, or `unlimited` |
//! | `steps.NAME.retry_first_seconds`, `steps.NAME.retry_most_seconds` | for a step that retries: the delay doubles from the first value up to the other |
//! | `steps.NAME.deadline_seconds` | for a step with a deadline: the time that an attempt may take |
//! | `steps.NAME.restart` | `permanent`, `transient` or `temporary`: when a copy that ended is rebuilt |
//! | `steps.NAME.cancel` | `permanent`, `transient` or `temporary`: how a copy reacts when a producer before it ends; not for sources |
//!
//! Options of a step take precedence over the defaults, and overrides over the declaration; of several
//! overrides, the one added last applies.
//!
//! # Errors
//!
//! [`configure`](crate::Pipeline::configure) reports all errors at once: unknown keys and steps (with a
//! suggestion), invalid values, and options that contradict each other, each with its path, its origin and
//! the legal values. A pipeline declared by `pipeline!` is configured through [`Configure`].

mod backoff;
mod configure;
mod did_you_mean;
mod effective;
mod error;
mod knobs;
mod origin;
mod overrides;
mod patch;
mod read;
mod setting;
mod structs;

pub use backoff::{Attempts, Unlimited};
pub use configure::Configure;
pub use effective::{EffectiveOption, EffectiveOptions};
pub use error::{ConfigError, ConfigErrors, OverridesError, Problem};
pub use origin::OptionOrigin;
pub use overrides::Overrides;
pub use setting::Setting;
pub use structs::{BackoffSettings, EventsAtOnce, EventsPerSecond, PipelineOptions, StepSettings};
