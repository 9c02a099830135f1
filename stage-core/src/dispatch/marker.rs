//! A marker between events, which fires once every event before it has been handed out.

/// Identifies an action that is due once every event before the marker has been handed out.
///
/// It is opaque to dispatchers; the engine knows the action.
///
/// ```
/// use stage_core::dispatch::{Marker, Outbox};
///
/// let mut outbox = Outbox::<char>::new();
/// outbox.fire(Marker::new(7));
/// assert_eq!(outbox.drain_fired().map(Marker::number).collect::<Vec<_>>(), [7]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Marker(u64);

impl Marker {
    /// Creates a marker with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u64 {
        self.0
    }
}
