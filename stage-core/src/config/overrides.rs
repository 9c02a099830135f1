//! How are options from files, maps and variables gathered, before anybody knows which pipeline they are for?

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::error::OverridesError;

/// Options from outside, in layers: what is added later counts more.
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
    /// Where it is from.
    pub(super) origin: String,
    pub(super) spelling: Spelling,
}

/// How exactly keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they are.
    Exact,
    /// In capitals, with `_` for everything that is no letter or digit.
    Variable,
}

impl Overrides {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file: TOML or JSON, as its name ends in `.toml` or `.json`.
    ///
    /// # Errors
    ///
    /// [`OverridesError`] names the file, and what is wrong with it. What its keys mean is not looked at here.
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

    /// Adds a text in TOML; `name` says where it is from.
    ///
    /// # Errors
    ///
    /// [`OverridesError::Syntax`] if it is none.
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

    /// Adds a text in JSON; `name` says where it is from.
    ///
    /// # Errors
    ///
    /// [`OverridesError::Syntax`] if it is none.
    pub fn json(self, name: impl Into<String>, text: &str) -> Result<Self, OverridesError> {
        let name = name.into();
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Ok(self.add(&name, value)),
            Err(error) => Err(OverridesError::Syntax { name, format: "JSON", message: error.to_string() }),
        }
    }

    /// Adds a map, or a [`PipelineOptions`](super::PipelineOptions); `name` says where it is from. Keys may be whole
    /// paths: `steps.encryption.count`.
    ///
    /// # Panics
    ///
    /// If `map` cannot be serialised, as no map with keys that are text fails to be.
    pub fn map(self, name: impl Into<String>, map: &impl Serialize) -> Self {
        let value = serde_json::to_value(map).expect("a map whose keys are text");
        self.add(&name.into(), value)
    }

    /// Adds variables whose names begin with `prefix__`; the parts of the path are divided by two underscores, in any
    /// case, with `_` for whatever is no letter or digit: `UPLOAD__STEPS__REMOTE_STORAGE__MAX_DEMAND`. Others are
    /// none of ours, and are left out.
    ///
    /// Nothing is read from the process: whoever wants its variables passes [`std::env::vars`].
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

    /// What stands below a key, for several pipelines in one file: `overrides.section("upload")` takes
    /// `[upload.steps.encryption]` as `[steps.encryption]`.
    pub fn section(&self, name: &str) -> Self {
        let below = self.entries.iter().filter_map(|entry| {
            let (first, rest) = entry.path.split_first()?;
            entry.spelling.is(first, name).then(|| Entry { path: rest.to_vec(), ..entry.clone() })
        });
        Self { entries: below.collect() }
    }

    /// Every key, as a path: to see whether there are sections that nobody asks for.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(Entry::key)
    }

    /// Whether nothing is said.
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
    /// Is this how `name` is written?
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

/// One entry for each value that is no table.
fn flatten(entries: &mut Vec<Entry>, origin: &str, path: &mut Vec<String>, value: Value) {
    let Value::Object(table) = value else {
        let entry = Entry { path: path.clone(), value, origin: origin.to_owned(), spelling: Spelling::Exact };
        entries.push(entry);
        return;
    };
    for (key, value) in table {
        let depth = path.len();
        // Only at the top can a key be a whole path: below, a name may have points.
        if depth == 0 {
            path.extend(key.split('.').map(str::to_owned));
        } else {
            path.push(key);
        }
        flatten(entries, origin, path, value);
        path.truncate(depth);
    }
}

/// Variables are text; a number among them is one.
fn number_or_text(text: &str) -> Value {
    match serde_json::from_str(text.trim()) {
        Ok(Value::Number(number)) => Value::Number(number),
        _ => Value::String(text.trim().to_owned()),
    }
}
