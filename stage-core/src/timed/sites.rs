//! Which functions were measured?

use std::sync::{Mutex, PoisonError};

use super::{Histogram, Site};

/// Every function that was measured at least once, in the order of their first times.
static SITES: Mutex<Vec<&'static Site>> = Mutex::new(Vec::new());

pub(super) fn add(site: &'static Site) {
    SITES.lock().unwrap_or_else(PoisonError::into_inner).push(site);
}

/// The times of the function of this name, its path, `drip::seal::seal`, unless it has `name = "…"`. `None` if it was
/// not measured yet. Of several functions of one name, the one that was measured first.
pub fn histogram(name: &str) -> Option<&'static Histogram> {
    let sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    sites.iter().find(|site| site.name() == name).map(|site| site.histogram())
}

/// Every function that was measured so far, by its name, in the order of their first calls.
pub fn histograms() -> Vec<(&'static str, &'static Histogram)> {
    let sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    sites.iter().map(|site| (site.name(), site.histogram())).collect()
}
