//! The owners and the lag of the edges, as the server knows them.

use std::fmt::Write as _;

use stage_connect::ConnectError;
use stage_edge::{Edge, EdgeSpec, Lag, Leases, Partition};

/// Returns a line for each edge and each of its partitions.
pub(crate) async fn of(edge: &impl Edge, specs: &[EdgeSpec]) -> Result<String, ConnectError> {
    let mut text = String::new();
    for spec in specs {
        let (view, lags) = (edge.leases(spec).view().await?, edge.lag(spec).await?);
        let (frames, members) = (lags.iter().map(|lag| lag.frames).sum::<u64>(), view.members.len());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {frames} frames wait, {members} workers", spec.name);
        for (partition, lag) in (0..).map(Partition).zip(lags) {
            let owner = view.owners.get(&partition).map_or("nobody", |owned| owned.by.as_str());
            let Lag { frames, bytes, oldest } = lag;
            let _ = write!(text, "  {:>4}  {owner:<28}  {frames:>6} frames  {bytes:>9} bytes", partition.0);
            match oldest.filter(|_| frames > 0) {
                Some(age) => writeln!(text, "  since {:.1} s", age.as_secs_f64()),
                None => writeln!(text),
            }
            .unwrap_or_default();
        }
    }
    Ok(text)
}
