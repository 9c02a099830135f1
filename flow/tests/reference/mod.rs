//! A second implementation of the watermark of a source, written from its documentation.

/// Returns the watermark after each event of a source, and at its end.
pub(crate) fn watermarks(times: &[i64], most_ahead: i64) -> (Vec<i64>, Option<i64>) {
    if most_ahead == i64::MAX {
        let latest = |last: usize| times[..=last].iter().max().copied().unwrap();
        let marks: Vec<i64> = (0..times.len()).map(latest).collect();
        return (marks.clone(), marks.last().copied());
    }
    let ahead = |at: i64, of: i64| i128::from(at) - i128::from(of) > most_ahead.into();
    let (first, rest) = times.split_at(times.len().min(5));
    let mut sorted = first.to_vec();
    sorted.sort_unstable();
    let Some(last) = first.len().checked_sub(1) else { return (Vec::new(), None) };
    let middle = sorted[last / 2];
    let mut mark = *sorted.iter().rfind(|at| !ahead(**at, middle)).unwrap();
    let mut marks = vec![i64::MIN; last.min(4)];
    marks.push(if first.len() == 5 { mark } else { i64::MIN });
    let mut row: Vec<i64> = Vec::new();
    for at in rest {
        if ahead(*at, mark) {
            row.push(*at);
        } else {
            if !ahead(mark, *at) {
                row.clear();
            }
            mark = mark.max(*at);
        }
        if row.len() == 16 {
            mark = row.drain(..).min().unwrap();
        }
        marks.push(mark);
    }
    (marks, Some(mark))
}
