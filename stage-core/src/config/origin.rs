//! The origin of an option.

use std::fmt;

/// The origin of an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OptionOrigin {
    /// The default; the option is not set.
    Default,
    /// Derived as half of `max_demand`.
    HalfOfMaxDemand,
    /// A number of batches, derived from the `max_demand` of the pipeline and the size of a batch.
    InBatches,
    /// Follows from a `max_demand` or `min_demand`.
    Window,
    /// Set in the declaration.
    Declared,
    /// Set by an override: a file, a variable, or the name that the program gave to its map.
    Override(String),
}

impl fmt::Display for OptionOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::HalfOfMaxDemand => f.write_str("half of max_demand"),
            Self::InBatches => f.write_str("the pipeline's max_demand, in batches"),
            Self::Window => f.write_str("the window that is set"),
            Self::Declared => f.write_str("the declaration"),
            Self::Override(name) => f.write_str(name),
        }
    }
}
