//! The set of controls that a service allows.

use std::fmt;

/// A set of controls. The default is the empty set.
///
/// ```
/// use stage_panel::Controls;
///
/// let careful = Controls::none().pause().window();
/// assert_eq!(careful.to_string(), "pause, window");
/// assert!(Controls::all() != careful);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls(u8);

/// A control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Pause,
    Window,
    Rate,
    Count,
    Drain,
    Stop,
    Dead,
}

impl Control {
    const ALL: [Self; 7] =
        [Self::Pause, Self::Window, Self::Rate, Self::Count, Self::Drain, Self::Stop, Self::Dead];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Window => "window",
            Self::Rate => "rate",
            Self::Count => "count",
            Self::Drain => "drain",
            Self::Stop => "stop",
            Self::Dead => "dead",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Controls {
    /// Allows no control.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Allows all controls.
    pub const fn all() -> Self {
        Self::none().pause().window().rate().count().drain().stop().dead_letters()
    }

    /// Also allows pausing and resuming steps.
    pub const fn pause(self) -> Self {
        self.with(Control::Pause)
    }

    /// Also allows changes of the demand windows of steps.
    pub const fn window(self) -> Self {
        self.with(Control::Window)
    }

    /// Also allows changes of rate limits.
    pub const fn rate(self) -> Self {
        self.with(Control::Rate)
    }

    /// Also allows changes of the numbers of copies of elastic steps.
    pub const fn count(self) -> Self {
        self.with(Control::Count)
    }

    /// Also allows draining pipelines, which ends them.
    pub const fn drain(self) -> Self {
        self.with(Control::Drain)
    }

    /// Also allows stopping pipelines, which discards their events in flight.
    pub const fn stop(self) -> Self {
        self.with(Control::Stop)
    }

    /// Also allows retrying and dropping dead letters.
    pub const fn dead_letters(self) -> Self {
        self.with(Control::Dead)
    }

    const fn with(self, control: Control) -> Self {
        Self(self.0 | control.bit())
    }

    pub(crate) const fn allows(self, control: Control) -> bool {
        self.0 & control.bit() != 0
    }

    pub(crate) fn names(self) -> Vec<&'static str> {
        Control::ALL.into_iter().filter(|control| self.allows(*control)).map(Control::name).collect()
    }
}

/// Writes the names of the controls.
impl fmt::Display for Controls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}
