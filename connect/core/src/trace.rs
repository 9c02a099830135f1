//! The trace of a message, in its headers.

use stage_core::ack::Delivery;
use stage_core::trace::TraceContext;

use crate::pull::Pull;
use crate::push::Push;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// Continues the trace in the headers of a message. One with an invalid header belongs to no trace.
pub(crate) fn continued<P: Pull>(delivery: Delivery<P::Message>) -> Delivery<P::Message> {
    let message = delivery.peek();
    let context = P::header(message, PARENT)
        .and_then(|parent| TraceContext::parse(&parent, P::header(message, STATE).as_deref()).ok());
    match context {
        Some(context) => delivery.continue_trace(context),
        None => delivery,
    }
}

/// Writes the trace of a delivery into the headers of its message.
pub(crate) fn write<P: Push>(message: &mut P::Message, context: &TraceContext) {
    P::set_header(message, PARENT, &context.to_string());
    if let Some(state) = context.tracestate() {
        P::set_header(message, STATE, state);
    }
}
