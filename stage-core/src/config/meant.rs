//! Which known word was probably meant?

/// The known word closest to `word`, if at most a third of its letters are wrong.
pub(super) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters added, dropped, replaced, or swapped with a neighbour (the optimal string alignment distance, row by row:
/// Wagner and Fischer, 1974, with Damerau's swaps).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, letter) in left.chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != *other);
            let mut best = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            if column > 0 && previous == Some(*other) && letter == right[column - 1] {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        previous = Some(letter);
        before = std::mem::replace(&mut last, next);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["count", "max_demand", "min_demand"];
        assert_eq!(meant("cuont", known), Some("count"));
        assert_eq!(meant("MAX-demand", known), Some("max_demand"));
        assert_eq!(meant("threads", known), None);
    }
}
