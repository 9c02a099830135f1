//! The registry of measured functions.

use std::sync::{Mutex, PoisonError};

use super::{Histogram, Site};

/// Every function measured at least once, in the order of the first measurements.
static SITES: Mutex<Vec<&'static Site>> = Mutex::new(Vec::new());

#[inline]
pub(super) fn add(site: &'static Site) {
    SITES.lock().unwrap_or_else(PoisonError::into_inner).push(site);
}

/// Returns the histogram of the function `name`: its path, such as `drip::seal::seal`, unless the attribute
/// has `name = "…"`. `None` if the function has not been measured yet. If several functions share a name,
/// returns that of the first one measured.
#[inline]
pub fn histogram(name: &str) -> Option<&'static Histogram> {
    let sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    sites.iter().find(|site| site.name() == name).map(|site| site.histogram())
}

/// Returns the name and histogram of every function measured so far, in the order of their first calls.
///
/// ```
/// use stage_core::timed;
///
/// for (name, histogram) in timed::histograms() {
///     assert!(histogram.count() > 0, "only measured functions are listed");
///     println!("{name}: {} calls, {:?} on average", histogram.count(), histogram.mean());
/// }
/// ```
#[inline]
pub fn histograms() -> Vec<(&'static str, &'static Histogram)> {
    let sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    sites.iter().map(|site| (site.name(), site.histogram())).collect()
}
