//! Where is an option from?

use std::fmt;

/// Where an option is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// It follows from `max_demand`, of which it is a half.
    HalfOfMaxDemand,
    /// It is a number of batches, which follows from the `max_demand` of the pipeline and the size of a batch.
    InBatches,
    /// The program says so.
    Declared,
    /// From outside: a file, a variable, or what a program calls its map.
    Override(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::HalfOfMaxDemand => f.write_str("half of max_demand"),
            Self::InBatches => f.write_str("the pipeline's max_demand, in batches"),
            Self::Declared => f.write_str("the declaration"),
            Self::Override(name) => f.write_str(name),
        }
    }
}
