//! The state of an edge, as any process sees it.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use stage_connect::ConnectError;

use crate::edge::{Edge, Lag};
use crate::leases::{Leases, Member, MemberId};
use crate::notes::Notes;
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;
use crate::tries::{Tries, note_name};

/// The partitions and members of an edge at one moment.
///
/// The events in hand of a process, and the time left of its leases, are gauges of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeView {
    /// The name of the edge.
    pub edge: String,
    /// The partitions, in order; one for a pool.
    pub partitions: Vec<PartitionView>,
    /// The processes that share the partitions, and the number of partitions that each of them owns.
    pub members: Vec<(Member, usize)>,
}

/// A partition of an edge.
///
/// ```
/// use stage_edge::PartitionView;
///
/// /// Returns whether events wait although no process takes them.
/// fn is_orphaned(partition: &PartitionView) -> bool {
///     partition.owner.is_none() && partition.lag.frames > 0
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionView {
    /// The partition.
    pub partition: Partition,
    /// The owner and its epoch; `None` without an owner, and in a pool.
    pub owner: Option<(MemberId, Epoch)>,
    /// The frames that are not settled yet.
    pub lag: Lag,
    /// The attempts at the first event that have begun, if its frame is repeated; otherwise 0.
    pub attempts: u32,
}

impl EdgeView {
    /// Asks the server.
    ///
    /// ```
    /// use stage_edge::{Edge, EdgeSpec, EdgeView};
    ///
    /// async fn lag(edge: impl Edge) -> Result<u64, stage_connect::ConnectError> {
    ///     let view = EdgeView::of(&edge, &EdgeSpec::new("shop", "orders").partitions(4)).await?;
    ///     Ok(view.partitions.iter().map(|partition| partition.lag.frames).sum())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    pub async fn of<E: Edge>(edge: &E, spec: &EdgeSpec) -> Result<Self, ConnectError> {
        let lag = edge.lag(spec).await?;
        let mut partitions: Vec<_> = (0..spec.entrances())
            .map(|partition| PartitionView {
                partition: Partition(partition),
                owner: None,
                lag: lag.get(partition as usize).copied().unwrap_or_default(),
                attempts: 0,
            })
            .collect();
        let mut members = Vec::new();
        if !spec.is_pool() {
            let leases = edge.leases(spec).view().await?;
            let notes = edge.notes(spec);
            let names: Vec<_> = partitions.iter().map(|view| note_name(spec, view.partition)).collect();
            let found = try_join_all(names.iter().map(|name| notes.get(name))).await?;
            let mut loads: BTreeMap<MemberId, usize> = BTreeMap::new();
            for (view, note) in partitions.iter_mut().zip(found) {
                view.attempts = note.map_or(0, |note| Tries::read(&note.value).begun);
                let owner = leases.owners.get(&view.partition);
                view.owner = owner.map(|owner| (owner.by.clone(), owner.epoch));
                if let Some((member, _)) = &view.owner {
                    *loads.entry(member.clone()).or_default() += 1;
                }
            }
            let load = |member: Member| (loads.get(&member.id).copied().unwrap_or(0), member);
            members = leases.members.into_iter().map(load).map(|(load, member)| (member, load)).collect();
        }
        Ok(Self { edge: spec.name.clone(), partitions, members })
    }
}
