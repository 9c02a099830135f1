//! The owners, the lag and the dead letters of the edges, as the server knows them.

use std::fmt::Write as _;

use stage_connect::ConnectError;
use stage_edge::{DeadEvent, Edge, EdgeSpec, EdgeView, Lag, Letter, PartitionView};

/// The number of dead letters that are shown.
const SHOWN: usize = 10;

/// Returns a line for each edge, each of its partitions, and each of its first dead letters.
pub(crate) async fn of(edge: &impl Edge, specs: &[EdgeSpec]) -> Result<String, ConnectError> {
    let mut text = String::new();
    for spec in specs {
        let view = EdgeView::of(edge, spec).await?;
        let frames: u64 = view.partitions.iter().map(|partition| partition.lag.frames).sum();
        let members = view.members.len();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {frames} frames wait, {members} workers", spec.name);
        for PartitionView { partition, owner, lag: Lag { frames, bytes, oldest }, .. } in view.partitions {
            let owner = owner.as_ref().map_or("nobody", |(member, _)| member.as_str());
            let _ = write!(text, "  {:>4}  {owner:<28}  {frames:>6} frames  {bytes:>9} bytes", partition.0);
            match oldest.filter(|_| frames > 0) {
                Some(age) => writeln!(text, "  since {:.1} s", age.as_secs_f64()),
                None => writeln!(text),
            }
            .unwrap_or_default();
        }
        for DeadEvent { number, letter, .. } in edge.dead(spec).list(0, SHOWN).await? {
            let Letter { position, attempts, cause, .. } = letter;
            let _ = writeln!(text, "  dead letter {number}: {cause} ({attempts} attempts, {position})");
        }
    }
    Ok(text)
}
