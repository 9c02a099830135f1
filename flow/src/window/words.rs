//! Windows in words, for plans.

use std::time::Duration;

use super::{Kind, WindowSpec};

impl WindowSpec {
    /// Returns the windows and their triggers in words; `None` for one window that is emitted at its end.
    pub(crate) fn words(&self) -> Option<String> {
        if self.is_plain() {
            return None;
        }
        let windows = match self.kind {
            Kind::Global | Kind::Periodic(Duration::MAX) => "one window".to_owned(),
            Kind::Count(1) => "windows of 1 event".to_owned(),
            Kind::Count(events) => format!("windows of {events} events"),
            Kind::Periodic(period) => format!("windows of {period:?} of the clock"),
            Kind::Fixed(spans) => format!("windows of {}", millis(spans.span())),
            Kind::Sliding(spans) => {
                format!("windows of {} every {}", millis(spans.span()), millis(spans.step()))
            }
        };
        let every = self.every.map(|every| match every {
            1 => "emitted after each event".to_owned(),
            every => format!("emitted every {every} events"),
        });
        let periods = self.periodically.iter().filter(|period| **period != Duration::MAX);
        let periods = periods.map(|period| format!("emitted every {period:?}"));
        let words: Vec<_> =
            [windows].into_iter().chain(lateness(self.lateness)).chain(every).chain(periods).collect();
        Some(words.join(", "))
    }

    /// Returns the same for a layer whose windows may also have a trigger of the user's own.
    pub(crate) fn words_with(&self, is_triggered: bool) -> Option<String> {
        let windows = self.words();
        if !is_triggered {
            return windows;
        }
        Some(format!("{}, with a trigger", windows.as_deref().unwrap_or("one window")))
    }
}

/// Returns in words how long windows or sessions stay open for late events; `None` if not at all.
pub(crate) fn lateness(millis_more: i128) -> Option<String> {
    match millis_more {
        0 => None,
        more if more >= i128::from(u64::MAX) => Some("open until the end".to_owned()),
        more => Some(format!("open for {} more", millis(more))),
    }
}

/// Returns a time in words; it is unbounded if it is longer than times are apart.
pub(crate) fn millis(millis: i128) -> String {
    match u64::try_from(millis) {
        Ok(millis) if millis < u64::MAX => format!("{:?}", Duration::from_millis(millis)),
        Ok(_) | Err(_) => "all time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Window;

    #[test]
    fn windows_are_described_with_their_lateness_and_triggers() {
        let second = Duration::from_secs(1);
        assert_eq!(WindowSpec::default().words(), None);
        let words = |spec: WindowSpec| spec.words().expect("it is not plain");
        assert_eq!(words(Window::count(1).spec), "windows of 1 event");
        assert_eq!(words(Window::periodic(second).spec), "windows of 1s of the clock");
        let often = Window::global().trigger_every(2).trigger_periodically(second);
        assert_eq!(words(often.spec), "one window, emitted every 2 events, emitted every 1s");
        let late = Window::fixed(60 * second).allowed_lateness(second);
        assert_eq!(words(late.spec), "windows of 60s, open for 1s more");
        let sliding = Window::sliding(2 * second, second).allowed_lateness(Duration::MAX);
        assert_eq!(words(sliding.spec), "windows of 2s every 1s, open until the end");
    }
}
