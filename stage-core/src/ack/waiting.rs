//! Whether a source waits for verdicts.

/// The state of a source, for its collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// The source delivers, or waits for nothing that depends on a verdict.
    #[default]
    No,
    /// The source has nothing to deliver before the next verdict: a rejected event returns, an event queued
    /// behind a delivery becomes free, or the last verdict ends the source.
    ForVerdicts,
}
