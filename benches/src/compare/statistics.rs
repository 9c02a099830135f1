//! Medians and extremes of rounds.

/// Returns the median of the figures; of an even number of them, the mean of the two in the middle.
///
/// # Panics
///
/// If there is no figure.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted[sorted.len() / 2];
    let lower = sorted[(sorted.len() - 1) / 2];
    f64::midpoint(lower, upper)
}

/// Returns the minimum and the maximum of the figures.
pub(crate) fn extremes(figures: &[f64]) -> (f64, f64) {
    figures.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), figure| {
        (least.min(*figure), greatest.max(*figure))
    })
}

#[cfg(test)]
mod tests {
    use super::{extremes, median};

    #[test]
    #[allow(clippy::float_cmp)]
    fn median_does_not_depend_on_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[7.0]), 7.0);
    }

    #[test]
    fn the_extremes_are_the_least_and_the_greatest() {
        assert_eq!(extremes(&[3.0, 1.0, 2.0]), (1.0, 3.0));
    }
}
