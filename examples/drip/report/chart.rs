//! A bar chart of text characters.

/// Eighths of a character cell.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws a bar for `value`, where `most` is `width` characters long; a nonzero value is always visible.
pub fn bar(value: u64, most: u64, width: u64) -> String {
    if value == 0 || most == 0 {
        return String::new();
    }
    let eighths = u128::from(value) * u128::from(width) * 8 / u128::from(most);
    // At most eight times the width.
    let eighths = usize::try_from(eighths).unwrap_or(usize::MAX).max(1);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Formats a share in percent.
#[allow(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
pub fn share(value: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", value as f64 * 100.0 / whole as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██");
        assert_eq!(bar(1, 16, 4), "▎");
        assert_eq!(bar(1, 1_000_000, 4), "▏");
        assert_eq!((bar(0, 10, 4), bar(0, 0, 4)), (String::new(), String::new()));
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
    }

    #[test]
    fn a_share_of_zero_is_none() {
        assert_eq!((share(1, 3), share(0, 0)), ("33.3 %".to_owned(), "-".to_owned()));
    }
}
