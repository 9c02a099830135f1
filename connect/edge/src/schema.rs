//! The version of an edge's events.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name and version of an edge's events. The number grows with each change of the encoded form.
///
/// ```
/// use stage_edge::SchemaId;
///
/// let schema = SchemaId::new("Order", 3);
/// assert_eq!(schema.to_string(), "Order v3");
/// assert_eq!(schema.fingerprint(0xbeef).to_string(), "Order v3 (fingerprint 000000000000beef)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SchemaId {
    /// The name of the type.
    pub name: String,
    /// The version, from 1.
    pub number: u32,
    /// A hash of the names and types of the fields, so that a change without a new number is noticed; zero if it is not
    /// known.
    pub fingerprint: u64,
}

impl SchemaId {
    /// Creates an id without a fingerprint.
    pub fn new(name: impl Into<String>, number: u32) -> Self {
        Self { name: name.into(), number, fingerprint: 0 }
    }

    /// Sets the fingerprint.
    #[must_use]
    pub fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Returns whether both may be the same version: they have the same name and number, and the fingerprints do not differ
    /// as far as they are known.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let (one, two) = (self.fingerprint, other.fingerprint);
        self.name == other.name && self.number == other.number && (one == two || one == 0 || two == 0)
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.number)?;
        if self.fingerprint != 0 {
            write!(f, " (fingerprint {:016x})", self.fingerprint)?;
        }
        Ok(())
    }
}
