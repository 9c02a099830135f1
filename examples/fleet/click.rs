//! The events that cross the edges.

use serde::{Deserialize, Serialize};

/// A click of a customer on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Click {
    /// Milliseconds since the clicks began.
    pub(crate) at: i64,
    pub(crate) customer: String,
    /// The first part of the page's path.
    pub(crate) section: String,
}

/// Clicks of a customer in one step of the windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// The number of the step.
    pub(crate) step: i64,
    pub(crate) customer: String,
    pub(crate) clicks: u64,
}

/// A line without a click.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected milliseconds, a customer and a page, got {line:?}")]
pub(crate) struct NoClick {
    line: String,
}

/// A click as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    at: i64,
    customer: String,
    page: String,
}

/// Parses `milliseconds customer page`.
///
/// # Errors
/// If the line has another form.
#[allow(clippy::needless_pass_by_value, reason = "a step takes its events")]
pub(crate) fn parse(line: String) -> Result<Visit, NoClick> {
    let mut words = line.split_whitespace();
    let (at, customer, page, rest) = (words.next(), words.next(), words.next(), words.next());
    let at = at.and_then(|at| at.parse().ok());
    match (at, customer, page, rest) {
        (Some(at), Some(customer), Some(page), None) => {
            Ok(Visit { at, customer: customer.to_owned(), page: page.to_owned() })
        }
        _ => Err(NoClick { line: line.clone() }),
    }
}

/// Adds the section of the page.
pub(crate) fn enrich(visit: Visit) -> Click {
    let section = visit.page.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    Click { at: visit.at, customer: visit.customer, section }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_time_a_customer_and_a_page() {
        let click = enrich(parse("1500 anna /shop/shoes".to_owned()).unwrap());
        assert_eq!((click.at, &*click.customer, &*click.section), (1500, "anna", "shop"));
        assert_eq!(enrich(parse("0 b /".to_owned()).unwrap()).section, "");
        for line in ["", "now anna /", "1 anna", "1 anna / more"] {
            let error = parse(line.to_owned()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("expected milliseconds, a customer and a page, got {line:?}")
            );
        }
    }
}
