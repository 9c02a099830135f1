//! The half of a connector that reports dispositions.

use std::future::{Future, ready};
use std::time::Duration;

use crate::disposition::Disposition;
use crate::error::ConnectError;

/// Reports to the server, over a connection of its own, which it opens with the first call and again after an error.
pub trait Settle: Send + 'static {
    /// Identifies a delivery to the server.
    type Receipt: Clone + Send + Sync + 'static;

    /// Reports dispositions. Each receipt appears once.
    ///
    /// With [`Acks::Prefix`](crate::Acks::Prefix) they are in the order in which they were pulled, without gaps, and only
    /// [`Accept`](Disposition::Accept) and [`Dead`](Disposition::Dead) appear: all of them are behind the new position,
    /// and a dead one must be set aside first. A message that failed is pulled again: the source calls
    /// [`connect`](crate::Pull::connect), which continues behind the last position that was settled.
    ///
    /// A receipt whose lease has ended is not an error: the message was or will be delivered again.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]. After `gone`, the call is repeated with the same list, so it must be idempotent. `fenced` and
    /// `fatal` end the source.
    ///
    /// # Cancel safety
    ///
    /// Dropped if the server does not answer in time, then repeated over a connection that must not contain the rest of
    /// the earlier call.
    fn settle(
        &mut self,
        settled: &[(Self::Receipt, Disposition)],
    ) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Prolongs the leases of all deliveries that are open.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]. After `gone`, the next call follows after a third of the lease; after `fenced`, the source
    /// delivers nothing more.
    fn extend(&mut self, open: &[Self::Receipt]) -> impl Future<Output = Result<(), ConnectError>> + Send {
        let _ = open;
        ready(Ok(()))
    }

    /// Returns the lease time; [`extend`](Self::extend) is called three times per lease. `None`: the server has no
    /// leases.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// Gives back what belongs to this consumer. Called once, after the last disposition was reported.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; it is logged.
    fn finish(&mut self) -> impl Future<Output = Result<(), ConnectError>> + Send {
        ready(Ok(()))
    }
}
