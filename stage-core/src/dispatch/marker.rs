//! A place between events: what is to happen once everything before it has left.

/// Stands for something the stage wants to be told once every event before it has been handed out.
///
/// It is opaque here: the engine knows what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker(u64);

impl Marker {
    /// A marker with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}
