//! Reads the pipelines' options from the file of `--config`.

use std::path::Path;

use stage_core::Pipeline;
use stage_core::config::{ConfigErrors, Overrides};

use super::SessionError;

/// The sections of the file: the names of the pipelines.
const PIPELINES: [&str; 2] = ["upload", "download"];

/// The options in the file, for every pipeline.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    overrides: Overrides,
}

impl Settings {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// [`SessionError::Config`] if it cannot be read, [`SessionError::Section`] if it has a section for no
    /// known pipeline. [`Settings::apply`] checks the options themselves.
    pub fn read(file: Option<&Path>) -> Result<Self, SessionError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let overrides = Overrides::new().file(file)?;
        let stranger = overrides.keys().find(|key| !PIPELINES.iter().any(|name| is_below(key, name)));
        match stranger {
            Some(key) => Err(SessionError::Section { path: file.to_owned(), key }),
            None => Ok(Self { overrides }),
        }
    }

    /// Applies the options of its section to the pipeline and logs them at `-v`.
    ///
    /// # Errors
    /// All errors in these options.
    pub fn apply(&self, pipeline: impl Into<Pipeline>) -> Result<Pipeline, ConfigErrors> {
        let pipeline: Pipeline = pipeline.into();
        let section = self.overrides.section(&pipeline.topology().name);
        let configured = pipeline.configure(&section)?;
        tracing::info!("{}", configured.options());
        Ok(configured)
    }
}

fn is_below(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}
