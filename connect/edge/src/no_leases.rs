//! The leases of a server without partitions.

use stage_connect::ConnectError;

use crate::leases::{LeaseView, Leases, Member, MemberId};
use crate::partition::{Epoch, Partition};
use crate::spec::{NO_PARTITIONS, POOL_INSTEAD};

/// The leases of a server whose edges are pools: there is no partition to own, and none can be taken.
///
/// ```
/// use stage_edge::{Leases, MemberId, NoLeases, Partition};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let leases = NoLeases::new("sqlite:shop.db");
/// let refused = leases.take(Partition(0), &MemberId::new("one")).await.unwrap_err();
/// assert!(refused.to_string().starts_with("sqlite:shop.db: this server has no partitions"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NoLeases {
    server: String,
}

impl NoLeases {
    /// Creates the leases of a server, by its name.
    pub fn new(server: impl Into<String>) -> Self {
        Self { server: server.into() }
    }
}

impl Leases for NoLeases {
    async fn take(&self, _: Partition, _: &MemberId) -> Result<Option<Epoch>, ConnectError> {
        Err(ConnectError::fatal(&self.server, NO_PARTITIONS, POOL_INSTEAD))
    }

    async fn renew(&self, _: Partition, _: Epoch) -> Result<bool, ConnectError> {
        Ok(false)
    }

    async fn give_back(&self, _: Partition, _: Epoch) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn announce(&self, _: &Member) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn withdraw(&self, _: &MemberId) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn view(&self) -> Result<LeaseView, ConnectError> {
        Ok(LeaseView::default())
    }
}
