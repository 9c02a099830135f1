//! Errors in options from outside.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::base::option_error::OptionError;

/// Error of reading overrides.
#[derive(stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum OverridesError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The extension of the file does not name its format.
    #[error("{} is neither a .toml nor a .json file", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// The text has a syntax error.
    #[error("{name} is not valid {format}: {message}")]
    Syntax {
        /// The file, or the name that the program gave to the text.
        name: String,
        /// `TOML` or `JSON`.
        format: &'static str,
        /// The error and its position.
        message: String,
    },
}

/// All errors in the options for one pipeline.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug)]
pub struct ConfigErrors {
    /// The name of the pipeline.
    pub pipeline: String,
    /// At least one, in the order of their layers.
    pub errors: Vec<ConfigError>,
}

/// One error.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("{origin}: {path}: {problem}")]
pub struct ConfigError {
    /// The origin: a file, a variable, or the name that the program gave to its map.
    pub origin: String,
    /// The key, from the top: `steps.encryption.max_demand`.
    pub path: String,
    /// The problem with the key or its value.
    pub problem: Problem,
}

/// A problem with a key or its value.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such key.
    #[error("unknown key{}the keys here are {}", suggestion(meant.as_deref()), list(known))]
    Key {
        /// The key probably meant.
        meant: Option<String>,
        /// The existing keys.
        known: Vec<String>,
    },
    /// There is no step with this name.
    #[error("unknown step{}the steps are {}", suggestion(meant.as_deref()), list(known))]
    Step {
        /// The step probably meant.
        meant: Option<String>,
        /// The existing steps.
        known: Vec<String>,
    },
    /// The value is not legal.
    #[error("expected {legal}, got {found}")]
    Value {
        /// The legal values.
        legal: &'static str,
        /// The value found.
        found: String,
    },
    /// The option has no effect on this step.
    #[error("no effect here: {why}")]
    NoEffect {
        /// The reason.
        why: &'static str,
    },
    /// The options contradict each other.
    #[error("{error}{}", from(origins))]
    Options {
        /// The contradiction.
        error: OptionError,
        /// The origins of the options involved.
        origins: Vec<String>,
    },
}

fn suggestion(meant: Option<&str>) -> String {
    meant.map_or_else(|| "; ".to_owned(), |meant| format!("; did you mean `{meant}`? "))
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
