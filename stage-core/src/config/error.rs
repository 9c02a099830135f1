//! What can be wrong with options from outside?

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::base::option_error::OptionError;

/// Why overrides could not be read.
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum OverridesError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name of the file does not say what is in it.
    #[error("{} is neither a .toml nor a .json file", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// The text is not what it should be.
    #[error("{name} is not {format}: {message}")]
    Syntax {
        /// The file, or what the program calls the text.
        name: String,
        /// `TOML` or `JSON`.
        format: &'static str,
        /// What is wrong, and where.
        message: String,
    },
}

/// Everything that is wrong with the options for one pipeline.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug)]
pub struct ConfigErrors {
    /// The pipeline.
    pub pipeline: String,
    /// At least one, in the order of their layers.
    pub errors: Vec<ConfigError>,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[error("{origin}: {path}: {problem}")]
pub struct ConfigError {
    /// Where it is from: a file, a variable, or what a program calls its map.
    pub origin: String,
    /// The key, from the top: `steps.encryption.max_demand`.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a key or its value.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such key.
    #[error("no such key{}; there is {}", did_you_mean(.meant.as_deref()), list(.known))]
    Key {
        /// The one that was probably meant.
        meant: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is no step of this name.
    #[error("the pipeline has no such step{}; it has {}", did_you_mean(.meant.as_deref()), list(.known))]
    Step {
        /// The one that was probably meant.
        meant: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The value is not legal.
    #[error("expected {legal}, got {found}")]
    Value {
        /// What is legal.
        legal: &'static str,
        /// What is there.
        found: String,
    },
    /// The option has no effect on this step.
    #[error("this has no effect here: {why}")]
    NoEffect {
        /// Why.
        why: &'static str,
    },
    /// The options cannot work together.
    #[error("{error}{}", from(.origins))]
    Options {
        /// What does not work.
        error: OptionError,
        /// Which of the options is from where.
        origins: Vec<String>,
    },
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default()
}

fn list(known: &[String]) -> String {
    let quoted: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
    match &quoted[..] {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn from(origins: &[String]) -> String {
    if origins.is_empty() { String::new() } else { format!(" ({})", origins.join(", ")) }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pipeline `{}` cannot be configured", self.pipeline)?;
        for error in &self.errors {
            write!(f, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
