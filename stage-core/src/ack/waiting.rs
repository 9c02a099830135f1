//! Whether a source waits for verdicts.

/// What a source waits for, as its collector has to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// It delivers, or waits for nothing that a verdict could bring.
    #[default]
    No,
    /// It has nothing to deliver before a verdict is told: what was rejected comes back, what waited behind a
    /// delivery can go, or the last verdict ends it.
    ForVerdicts,
}
