//! Alarms: the timers that a reducer sets to emit its window.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

/// The alarms that a reducer has set in one window. They end with the window: nothing is emitted after its
/// last trigger.
///
/// See [`Flow::reduce_with_alarms`](crate::Flow::reduce_with_alarms) for a reducer that sets some.
///
/// ```
/// use std::time::Duration;
///
/// use flow::Alarms;
///
/// let mut alarms = Alarms::default();
/// alarms.set("pause", Duration::from_secs(10));
/// assert!(alarms.cancel("pause") && !alarms.cancel("pause"));
/// ```
#[derive(Debug, Default)]
pub struct Alarms {
    /// The time of each alarm, if it is representable, and its name.
    set: Vec<(Option<Instant>, Cow<'static, str>)>,
}

impl Alarms {
    /// Emits the window once, when the duration `after` has passed: the trigger has the name
    /// [`Custom(name)`](crate::TriggerName::Custom). A pending alarm of the same name is moved to the new
    /// time. With [`Duration::MAX`], the alarm never goes off.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, after: Duration) {
        let name = name.into();
        self.cancel(&name);
        self.set.push((Instant::now().checked_add(after), name));
    }

    /// Cancels the alarm of this name; returns whether there was one.
    pub fn cancel(&mut self, name: &str) -> bool {
        let before = self.set.len();
        self.set.retain(|(_, set)| set != name);
        self.set.len() < before
    }
}

/// The set of alarms available to a reducer.
pub trait AlarmSet: Default + Send + 'static {
    /// Returns the time of the next alarm.
    #[doc(hidden)]
    fn next(&self) -> Option<Instant>;

    /// Removes and returns the first alarm that is due by `now`.
    #[doc(hidden)]
    fn take_due(&mut self, now: Instant) -> Option<Cow<'static, str>>;
}

/// The alarms of a reducer that sets none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAlarms;

impl AlarmSet for NoAlarms {
    fn next(&self) -> Option<Instant> {
        None
    }

    fn take_due(&mut self, _now: Instant) -> Option<Cow<'static, str>> {
        None
    }
}

impl AlarmSet for Alarms {
    fn next(&self) -> Option<Instant> {
        self.set.iter().filter_map(|(at, _)| *at).min()
    }

    fn take_due(&mut self, now: Instant) -> Option<Cow<'static, str>> {
        let due = self.set.iter().enumerate().filter(|(_, (at, _))| at.is_some_and(|at| at <= now));
        let (place, _) = due.min_by_key(|(_, (at, _))| *at)?;
        Some(self.set.remove(place).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn alarms_ring_in_their_order_and_each_once() {
        let mut alarms = Alarms::default();
        let began = Instant::now();
        for (name, after) in [("late", 30), ("early", 10), ("gone", 20), ("put off", 5), ("put off", 40)] {
            alarms.set(name, Duration::from_millis(after));
        }
        assert!(alarms.cancel("gone") && !alarms.cancel("gone"));
        assert_eq!(alarms.next(), Some(began + Duration::from_millis(10)));
        assert_eq!(alarms.take_due(began), None);
        let end = began + Duration::from_millis(40);
        let rung: Vec<_> = std::iter::from_fn(|| alarms.take_due(end)).collect();
        assert_eq!(rung, ["early", "late", "put off"]);
        assert_eq!(alarms.next(), None);
    }
}
