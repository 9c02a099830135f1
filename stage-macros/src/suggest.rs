//! Suggestions for misspelled words.

/// Returns the known word closest to `word`, if it is close enough to be a misspelling: at most a third of
/// its letters are wrong.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the optimal string alignment distance: letters added, dropped, replaced, or swapped with a
/// neighbour.
///
/// Keeps the last two rows of the table of Wagner and Fischer's algorithm ("The string-to-string correction
/// problem", 1974), with the swaps of Damerau.
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
    use super::{did_you_mean, distance};

    #[test]
    fn a_swap_counts_as_one_slip() {
        assert_eq!(distance("stpe", "step"), 1);
        assert_eq!(distance("step", "step"), 0);
        assert_eq!(distance("", "step"), 4);
        assert_eq!(distance("cuont", "count"), 1);
    }

    #[test]
    fn a_misspelling_is_recognised_in_any_case() {
        let known = ["start", "step", "finish"];
        assert_eq!(did_you_mean("strat", known), Some("start"));
        assert_eq!(did_you_mean("Finsh", known), Some("finish"));
    }

    #[test]
    fn another_word_is_not_a_slip() {
        assert_eq!(did_you_mean("observe", ["start", "step", "finish"]), None);
    }
}
