//! Collects options from files, maps and variables, independently of a particular pipeline.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::error::OverridesError;

/// Options from outside, in layers; later layers take precedence.
///
/// ```
/// use stage_core::config::Overrides;
/// use std::collections::BTreeMap;
///
/// let overrides = Overrides::new()
///     .toml("built in", "[steps.square]\ncount = 4\n")?
///     .json("the service", r#"{"steps": {"square": {"max_demand": 20}}}"#)?
///     .map("a test", &BTreeMap::from([("steps.square.max_demand", 5)]))
///     .variables("APP", [("APP__DEFAULTS__COUNT", "2")]);
/// assert_eq!(overrides.keys().count(), 4);
/// # Ok::<(), stage_core::config::OverridesError>(())
/// ```
///
/// A file may hold the options of several pipelines:
///
/// ```
/// use stage_core::config::Overrides;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("pipelines.toml");
/// std::fs::write(&path, "[upload.steps.send]\ncount = 2\n")?;
/// let file = Overrides::new().file(&path)?;
/// assert_eq!(file.section("upload").keys().collect::<Vec<_>>(), ["steps.send.count"]);
/// assert!(file.section("download").is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "overrides do nothing until a pipeline is configured with them"]
pub struct Overrides {
    pub(super) entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    /// The origin of the value.
    pub(super) origin: String,
    pub(super) spelling: Spelling,
}

/// The spelling of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Exact.
    Exact,
    /// Case-insensitive, with `_` for every character that is not a letter or digit.
    Variable,
}

impl Overrides {
    /// Creates an empty set of overrides.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a TOML or JSON file, recognised by the extension `.toml` or `.json`.
    ///
    /// # Errors
    ///
    /// [`OverridesError`] names the file and the error in it. Keys are not checked at this point.
    pub fn file(self, path: impl AsRef<Path>) -> Result<Self, OverridesError> {
        let path = path.as_ref();
        let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
        let add = match kind.as_deref() {
            Some("toml") => Self::toml,
            Some("json") => Self::json,
            _ => return Err(OverridesError::Kind { path: path.to_owned() }),
        };
        match fs::read_to_string(path) {
            Ok(text) => add(self, path.display().to_string(), &text),
            Err(source) => Err(OverridesError::Read { path: path.to_owned(), source }),
        }
    }

    /// Adds a TOML text; `name` is its origin.
    ///
    /// # Errors
    ///
    /// [`OverridesError::Syntax`] if it is not valid TOML.
    pub fn toml(self, name: impl Into<String>, text: &str) -> Result<Self, OverridesError> {
        let name = name.into();
        match toml::from_str::<Value>(text) {
            Ok(value) => Ok(self.add(&name, value)),
            Err(error) => Err(OverridesError::Syntax {
                name,
                format: "TOML",
                message: error.to_string().trim_end().to_owned(),
            }),
        }
    }

    /// Adds a JSON text; `name` is its origin.
    ///
    /// # Errors
    ///
    /// [`OverridesError::Syntax`] if it is not valid JSON.
    pub fn json(self, name: impl Into<String>, text: &str) -> Result<Self, OverridesError> {
        let name = name.into();
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Ok(self.add(&name, value)),
            Err(error) => Err(OverridesError::Syntax { name, format: "JSON", message: error.to_string() }),
        }
    }

    /// Adds a map, or a [`PipelineOptions`](super::PipelineOptions); `name` is its origin. Keys may be whole
    /// paths: `steps.encryption.count`.
    ///
    /// # Panics
    ///
    /// Panics if `map` cannot be serialised; maps with string keys always can.
    pub fn map(self, name: impl Into<String>, map: &impl Serialize) -> Self {
        let value = serde_json::to_value(map).expect("a map whose keys are text");
        self.add(&name.into(), value)
    }

    /// Adds variables whose names begin with `prefix__`. The parts of the path are separated by two
    /// underscores, in any case, with `_` for every character that is not a letter or digit:
    /// `UPLOAD__STEPS__REMOTE_STORAGE__MAX_DEMAND`. Other variables are ignored.
    ///
    /// Nothing is read from the environment; pass [`std::env::vars`] to use the variables of the process.
    pub fn variables<K, V>(mut self, prefix: &str, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let ours = variables.into_iter().filter_map(|(key, value)| {
            let name = key.as_ref();
            let (head, path) = name.split_at_checked(prefix.len())?;
            let path = path.strip_prefix("__").filter(|_| head.eq_ignore_ascii_case(prefix))?;
            Some(Entry {
                path: path.split("__").map(str::to_lowercase).collect(),
                value: number_or_text(value.as_ref()),
                origin: format!("the variable {name}"),
                spelling: Spelling::Variable,
            })
        });
        self.entries.extend(ours);
        self
    }

    /// Returns the entries below a key, for files that configure several pipelines:
    /// `overrides.section("upload")` reads `[upload.steps.encryption]` as `[steps.encryption]`.
    pub fn section(&self, name: &str) -> Self {
        let below = self.entries.iter().filter_map(|entry| {
            let (first, rest) = entry.path.split_first()?;
            entry.spelling.is(first, name).then(|| Entry { path: rest.to_vec(), ..entry.clone() })
        });
        Self { entries: below.collect() }
    }

    /// Returns every key, as a path: useful to detect unused sections.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(Entry::key)
    }

    /// Returns whether there are no overrides.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn add(mut self, origin: &str, value: Value) -> Self {
        flatten(&mut self.entries, origin, &mut Vec::new(), value);
        self
    }
}

impl Entry {
    pub(super) fn key(&self) -> String {
        self.path.join(".")
    }
}

impl Spelling {
    /// Returns whether `written` spells `name`.
    pub(super) fn is(self, written: &str, name: &str) -> bool {
        match self {
            Self::Exact => written == name,
            Self::Variable => {
                let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
                name.chars().map(plain).eq(written.chars().map(plain))
            }
        }
    }
}

/// Adds one entry for each value that is not a table.
fn flatten(entries: &mut Vec<Entry>, origin: &str, path: &mut Vec<String>, value: Value) {
    let Value::Object(table) = value else {
        let entry = Entry { path: path.clone(), value, origin: origin.to_owned(), spelling: Spelling::Exact };
        entries.push(entry);
        return;
    };
    for (key, value) in table {
        let depth = path.len();
        // Only a top-level key can be a whole path: below, names may contain dots.
        if depth == 0 {
            path.extend(key.split('.').map(str::to_owned));
        } else {
            path.push(key);
        }
        flatten(entries, origin, path, value);
        path.truncate(depth);
    }
}

/// Variables are text; text that is a number becomes a number.
fn number_or_text(text: &str) -> Value {
    match serde_json::from_str(text.trim()) {
        Ok(Value::Number(number)) => Value::Number(number),
        _ => Value::String(text.trim().to_owned()),
    }
}
