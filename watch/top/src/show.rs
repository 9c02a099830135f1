//! Numbers, times and bars as text.

/// The letters of the five states.
pub(crate) const LETTERS: [char; 5] = ['W', 'w', '.', '=', 's'];

/// Returns a number with at most four significant digits.
pub(crate) fn number(number: f64) -> String {
    let (scaled, unit) = match number {
        n if n >= 999.5e6 => (n / 1e9, "G"),
        n if n >= 999.5e3 => (n / 1e6, "M"),
        n if n >= 9_999.5 => (n / 1e3, "k"),
        n => (n, ""),
    };
    if scaled >= 99.95 || scaled.fract().abs() < f64::EPSILON {
        format!("{scaled:.0}{unit}")
    } else {
        format!("{scaled:.1}{unit}")
    }
}

/// Returns a time in its largest unit.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 3_600.0 => format!("{:.1} h", s / 3_600.0),
        s if s >= 100.0 => format!("{:.0} min", s / 60.0),
        s if s >= 0.9995 => format!("{s:.1} s"),
        s if s >= 0.000_999_5 => format!("{:.0} ms", s * 1e3),
        s if s > 0.0 => format!("{:.0} µs", s * 1e6),
        _ => "0".to_owned(),
    }
}

/// Divides `width` cells among the five states, by largest remainder; the rest is free.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a picture"
)]
pub(crate) fn cells(times: [u16; 5], width: usize) -> [usize; 5] {
    let exact = times.map(|time| f64::from(time) * width as f64 / 1_000.0);
    let mut cells = exact.map(|cells| cells as usize);
    let all = (exact.iter().sum::<f64>().round() as usize).min(width);
    let mut order = [0, 1, 2, 3, 4];
    let rest = |state: usize| exact[state].fract();
    order.sort_by(|one, other| rest(*other).total_cmp(&rest(*one)));
    for state in order.into_iter().take(all.saturating_sub(cells.iter().sum())) {
        cells[state] += 1;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short() {
        let shown = [0.0, 0.25, 12.0, 99.9, 812.4, 9_999.0, 10_000.0, 1_234_567.0, 4.2e9].map(number);
        assert_eq!(shown, ["0", "0.2", "12", "99.9", "812", "9999", "10k", "1.2M", "4.2G"]);
        let shown = [0.0, 0.000_25, 0.02, 0.9999, 1.25, 240.0, 7_200.0].map(time);
        assert_eq!(shown, ["0", "250 µs", "20 ms", "1.0 s", "1.2 s", "4 min", "2.0 h"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_times_say() {
        assert_eq!(cells([1_000, 0, 0, 0, 0], 10), [10, 0, 0, 0, 0]);
        assert_eq!(cells([333, 333, 334, 0, 0], 10), [3, 3, 4, 0, 0]);
        assert_eq!(cells([0; 5], 10), [0; 5]);
        assert_eq!(cells([500, 0, 0, 0, 0], 10), [5, 0, 0, 0, 0]);
        assert!(cells([201; 5], 7).iter().sum::<usize>() <= 7);
    }
}
