//! Tells a producer that one of its pipeline's consumers will never arrive: a stand-in subscribes and
//! finishes for it.

use super::sources::Source;
use crate::base::error::ExitReason;
use crate::credit::demand::Window;
use crate::sync::Arc;
use crate::wire::link::link;
use crate::wire::mailbox::MailQueue;
use crate::wire::protocol::{MadeBy, Subscribe};
use crate::wire::signal::Slot;
use crate::wire::subscription::{Cancellation, End, Reach, Subscription};

/// Subscribes to `source` on behalf of a consumer that is gone for good, and finishes at once: events that
/// only this consumer could receive are discarded, and the producer stops waiting for it.
pub(crate) fn finish_on_behalf_of<E: Send + 'static>(gone: &Arc<MailQueue>, source: Source) {
    let Source { producer, mut options } = source;
    let (at_producer, at_consumer) = (producer.claim(), Slot::claim(gone.signal()));
    let reach: Arc<dyn Reach> = Arc::clone(&producer) as _;
    let subscription = Subscription::new(
        End { stage: reach, slot: at_producer.index() },
        End { stage: Arc::clone(gone) as _, slot: at_consumer.index() },
        Window::default(),
    );
    let (tx, rx) = link::<E>(at_producer, at_consumer, 1, subscription);
    rx.cancel(Cancellation::down(ExitReason::Normal));
    let identity = Arc::as_ptr(gone).cast::<()>() as usize as u64;
    options.common.subscriber = Some(identity);
    producer.subscribe(Box::new(Subscribe { link: tx, options: options.typed(), made_by: MadeBy::Pipeline }));
}
