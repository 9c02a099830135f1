//! Finds the known word that an unknown word probably stands for.

/// Returns the known word closest to `word`, if at most a third of its letters are wrong: added, dropped,
/// replaced, or swapped with a neighbour.
pub(super) fn closest_word<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest_word;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["count", "max_demand", "min_demand"];
        assert_eq!(closest_word("cuont", known), Some("count"));
        assert_eq!(closest_word("MAX-demand", known), Some("max_demand"));
        assert_eq!(closest_word("threads", known), None);
    }
}
