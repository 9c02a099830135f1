//! Calls of a connector without a pipeline, for tests of its own.
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_connect::laws::by_hand::{opened, put_all, settle_all, take, take_all};
//! use stage_connect::memory::MemoryServer;
//! use stage_connect::{Disposition, MessageId, Push};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MemoryServer::new();
//! let mut push = server.push();
//! push.connect().await?;
//! put_all(&mut push, &[(MessageId::new("1"), "a"), (MessageId::new("2"), "b")]).await;
//!
//! let (mut pull, mut settle) = opened(server.queue()).await;
//! let first = take(&mut pull, 1, Duration::ZERO).await;
//! settle_all(&mut settle, &first, Disposition::Release).await;
//! let both = take_all(&mut pull, 2, Duration::from_secs(1)).await;
//! settle_all(&mut settle, &both, Disposition::Accept).await;
//! assert_eq!(server.counts().all(), 0);
//! # Ok(())
//! # }
//! ```

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::disposition::Disposition;
use crate::message_id::MessageId;
use crate::pull::{Pull, Pulled};
use crate::push::Push;
use crate::settle::Settle;

/// Connects, and returns both halves.
///
/// # Panics
///
/// If the client cannot connect.
pub async fn opened<P: Pull>(mut pull: P) -> (P, P::Settle) {
    let settle = pull.settle_half();
    pull.connect().await.expect("the client connects");
    (pull, settle)
}

/// Stores all messages, in as many calls as it takes.
///
/// # Panics
///
/// If a call fails.
pub async fn put_all<P: Push>(push: &mut P, messages: &[(MessageId, P::Message)]) {
    let mut done = 0;
    while done < messages.len() {
        done += push.put(&messages[done..]).await.expect("the messages are stored");
    }
}

/// Pulls once.
///
/// # Panics
///
/// If the pull fails, or for zero messages.
pub async fn take<P: Pull>(
    pull: &mut P,
    at_most: usize,
    wait: Duration,
) -> Vec<Pulled<P::Message, P::Receipt>> {
    let at_most = NonZeroUsize::new(at_most).expect("at least one message is asked for");
    pull.pull(at_most, wait).await.expect("the client pulls")
}

/// Pulls until there are `count` messages, never more than that; each pull waits at most for `wait`.
///
/// # Panics
///
/// If a pull fails or returns nothing.
pub async fn take_all<P: Pull>(
    pull: &mut P,
    count: usize,
    wait: Duration,
) -> Vec<Pulled<P::Message, P::Receipt>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let some = take(pull, count - taken.len(), wait).await;
        assert!(!some.is_empty(), "only {} of {count} messages arrived", taken.len());
        taken.extend(some);
    }
    taken
}

/// Reports the same disposition for all messages, in one call.
///
/// # Panics
///
/// If the call fails.
pub async fn settle_all<S: Settle, M>(
    settle: &mut S,
    pulled: &[Pulled<M, S::Receipt>],
    disposition: Disposition,
) {
    let list: Vec<_> = pulled.iter().map(|pulled| (pulled.receipt.clone(), disposition.clone())).collect();
    settle.settle(&list).await.expect("the dispositions are reported");
}
