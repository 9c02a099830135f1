//! Formats numbers for people: decimal units, digits in groups of three, dates in UTC.

use std::time::Duration;

/// Formats a count with its digits in groups of three.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Formats bytes in B, kB, MB, GB or TB (powers of 1,000).
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(number: u64) -> String {
    let mut shown = number as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if shown < 999.95 {
            return match unit {
                "B" => format!("{number} B"),
                unit => format!("{shown:.1} {unit}"),
            };
        }
        shown /= 1000.0;
    }
    format!("{shown:.1} TB")
}

/// Formats a rate in MB/s.
#[allow(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
pub fn rate(bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(1e-9);
    format!("{:.1} MB/s", bytes as f64 / 1e6 / seconds)
}

/// Formats a duration in s, min or h.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// Formats milliseconds since 1970 as `2026-02-28 23:59:59`, in UTC. The algorithm is Howard Hinnant's
/// `civil_from_days`.
pub fn timestamp(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        let shown: Vec<_> = [0, 999, 1000, 1_234_567].map(count).into();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        let shown: Vec<_> = [0, 999, 1000, 1_500_000, 4_294_967_296, 3_000_000_000_000].map(bytes).into();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.5 MB", "4.3 GB", "3.0 TB"]);
    }

    #[test]
    fn a_rate_is_in_megabytes_per_second() {
        assert_eq!(rate(5_000_000, Duration::from_millis(500)), "10.0 MB/s");
    }

    #[test]
    fn a_timestamp_is_a_date() {
        assert_eq!(timestamp(0), "1970-01-01 00:00:00");
        assert_eq!(timestamp(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(timestamp(1_772_323_199_999), "2026-02-28 23:59:59");
        assert_eq!(timestamp(-1000), "1969-12-31 23:59:59");
    }
}
