//! Messages of servers as one line.

use std::fmt;

/// Joins the lines of a text by spaces.
pub(crate) fn one_line(text: impl fmt::Display) -> String {
    text.to_string().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
