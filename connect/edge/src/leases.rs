//! The processes that share an edge, and the partitions that each of them owns.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use stage_connect::ConnectError;

use crate::partition::{Epoch, Partition};

/// The leases of an edge's partitions. A lease lasts for [`EdgeSpec::lease`](crate::EdgeSpec::lease) from the moment at
/// which the server receives [`take`](Self::take) or [`renew`](Self::renew), by the clock of the server.
///
/// All methods are cancel safe in the sense that a dropped call took effect or did not: the caller treats the partition
/// as not owned.
///
/// A process takes a partition, keeps it and gives it back:
///
/// ```
/// use std::time::Duration;
///
/// use stage_edge::memory::MemoryEdge;
/// use stage_edge::{Edge, EdgeSpec, LeaseView, Leases, Member, MemberId, Owned, Partition};
/// use tokio::time::timeout;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let leases = MemoryEdge::new().leases(&EdgeSpec::new("shop", "orders").partitions(4));
/// let me = Member { id: MemberId::new("north-1"), name: "north".to_owned(), leaving: false };
/// leases.announce(&me).await?;
/// let epoch = leases.take(Partition(0), &me.id).await?.ok_or("another process owns it")?;
/// assert!(leases.renew(Partition(0), epoch).await?);
///
/// let LeaseView { members, owners } = leases.view().await?;
/// assert_eq!(members, [me.clone()]);
/// assert_eq!(owners[&Partition(0)], Owned { by: me.id.clone(), epoch });
///
/// // It looks again at a change, or after a quarter of a lease.
/// let _ = timeout(Duration::from_millis(1_500), leases.changed()).await;
///
/// leases.give_back(Partition(0), epoch).await?;
/// leases.withdraw(&me.id).await?;
/// assert_eq!(leases.view().await?, LeaseView::default());
/// # Ok(())
/// # }
/// ```
pub trait Leases: Send + Sync + 'static {
    /// Takes a partition without an owner. The epoch is greater than all earlier ones of the partition. `None`: another
    /// process owns it.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn take(
        &self,
        partition: Partition,
        by: &MemberId,
    ) -> impl Future<Output = Result<Option<Epoch>, ConnectError>> + Send;

    /// Prolongs a lease. False: the epoch is not the current one, or has ended.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn renew(
        &self,
        partition: Partition,
        epoch: Epoch,
    ) -> impl Future<Output = Result<bool, ConnectError>> + Send;

    /// Ends a lease, so that others can take the partition at once. No effect if the epoch is not the current one.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn give_back(
        &self,
        partition: Partition,
        epoch: Epoch,
    ) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Adds or renews a member, which is listed for the time of a lease.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn announce(&self, member: &Member) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Removes a member.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn withdraw(&self, member: &MemberId) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Returns the members and owners. Asked every quarter of a lease.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn view(&self) -> impl Future<Output = Result<LeaseView, ConnectError>> + Send;

    /// Completes when the view may have changed, where the server reports it. May complete for no reason, not in
    /// rapid succession.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// Identifies one run of a process among the members of an edge. Cheap to clone.
///
/// ```
/// use stage_edge::MemberId;
///
/// assert_eq!(MemberId::new("north 1").as_str(), "north_1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<str>);

impl MemberId {
    /// Creates an id from its text: 1 to 64 letters, digits, `-` and `_`; other characters become `_`. A process that
    /// starts again should have a new id.
    pub fn new(id: impl AsRef<str>) -> Self {
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let text: String = id.as_ref().chars().take(64).map(allowed).collect();
        Self(if text.is_empty() { "_".into() } else { text.into() })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A process that shares the partitions of an edge.
///
/// See the example of [`Leases`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of this run of the process.
    pub id: MemberId,
    /// The name for people, such as that of the machine.
    pub name: String,
    /// The process is about to end: it keeps its partitions until their frames are settled, and takes no others.
    pub leaving: bool,
}

/// The members and owners at one moment.
///
/// See the example of [`Leases`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseView {
    /// The members, each once, in any order.
    pub members: Vec<Member>,
    /// The partitions with an owner.
    pub owners: BTreeMap<Partition, Owned>,
}

/// The owner of a partition.
///
/// See the example of [`Leases`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The process.
    pub by: MemberId,
    /// The period.
    pub epoch: Epoch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_member_fits_into_the_names_of_servers() {
        assert_eq!(MemberId::new("host.example 7").as_str(), "host_example_7");
        assert_eq!(MemberId::new("").as_str(), "_");
        assert_eq!(MemberId::new("ü".repeat(100)).as_str().len(), 64);
    }
}
