//! How many messages are stored in one call.

use std::sync::Arc;

use crate::message_id::MessageId;

/// The limits of a call: a number of messages, and a number of bytes if they have sizes. A message that is larger than
/// that is alone in its call.
pub(crate) struct CallLimits<M> {
    pub(crate) at_most: usize,
    pub(crate) bytes: Option<Bytes<M>>,
}

pub(crate) struct Bytes<M> {
    pub(crate) at_most: usize,
    pub(crate) size: Arc<dyn Fn(&M) -> usize + Send + Sync>,
}

/// The messages of a call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) messages: usize,
    bytes: usize,
}

impl Call {
    /// Returns the call with one more message, of this size.
    const fn and(self, size: usize) -> Self {
        Self { messages: self.messages + 1, bytes: self.bytes.saturating_add(size) }
    }
}

impl<M> CallLimits<M> {
    /// Adds a message. Returns the number of messages that fill calls because of it: those of `call` if there is no room for
    /// the message, and the message itself if its call is full then. `call` is left with the others.
    pub(crate) fn join(&self, call: &mut Call, message: &M) -> usize {
        let size = self.size(message);
        let mut full = 0;
        if !self.has_room(*call, size) {
            full = std::mem::take(call).messages;
        }
        *call = call.and(size);
        if self.is_full(*call) {
            full += std::mem::take(call).messages;
        }
        full
    }

    fn size(&self, message: &M) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| (bytes.size)(message))
    }

    fn has_room(&self, call: Call, size: usize) -> bool {
        let bytes = call.bytes.saturating_add(size);
        call.messages == 0 || self.bytes.as_ref().is_none_or(|limit| bytes <= limit.at_most)
    }

    fn is_full(&self, call: Call) -> bool {
        call.messages >= self.at_most || self.bytes.as_ref().is_some_and(|limit| call.bytes >= limit.at_most)
    }

    /// Returns the number of leading messages that are stored in one call.
    pub(crate) fn first(&self, messages: &[(MessageId, M)]) -> usize {
        if self.bytes.is_none() {
            return messages.len().min(self.at_most);
        }
        let mut call = Call::default();
        for (number, (_, message)) in messages.iter().enumerate() {
            let size = self.size(message);
            if !self.has_room(call, size) {
                return number;
            }
            call = call.and(size);
            if self.is_full(call) {
                return number + 1;
            }
        }
        messages.len()
    }
}

impl<M> Clone for CallLimits<M> {
    fn clone(&self) -> Self {
        let bytes = self
            .bytes
            .as_ref()
            .map(|Bytes { at_most, size }| Bytes { at_most: *at_most, size: Arc::clone(size) });
        Self { at_most: self.at_most, bytes }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(at_most: usize, bytes: Option<usize>) -> CallLimits<usize> {
        let size: Arc<dyn Fn(&usize) -> usize + Send + Sync> = Arc::new(|size| *size);
        CallLimits { at_most, bytes: bytes.map(|at_most| Bytes { at_most, size }) }
    }

    fn sizes(sizes: &[usize]) -> Vec<(MessageId, usize)> {
        sizes.iter().map(|size| (MessageId::new(""), *size)).collect()
    }

    #[test]
    fn a_call_ends_at_its_number_of_messages_or_in_front_of_one_that_has_no_room() {
        assert_eq!(limits(3, None).first(&sizes(&[9, 9, 9, 9])), 3);
        assert_eq!(limits(3, Some(100)).first(&sizes(&[9, 9, 9, 9])), 3);
        assert_eq!(limits(9, Some(10)).first(&sizes(&[4, 4, 4, 4])), 2);
        assert_eq!(limits(9, Some(8)).first(&sizes(&[4, 4, 0, 4])), 2);
        assert_eq!(limits(9, Some(10)).first(&sizes(&[50, 1])), 1);
        assert_eq!(limits(9, Some(10)).first(&sizes(&[1, 50])), 1);
        assert_eq!(limits(9, Some(10)).first(&sizes(&[usize::MAX - 1, usize::MAX])), 1);
        assert_eq!(limits(9, Some(10)).first(&[]), 0);
    }

    proptest! {
        #[test]
        fn calls_keep_both_limits_and_none_could_take_the_next_message(
            all in prop::collection::vec(0..20_usize, 1..40),
            at_most in 1..6_usize,
            bytes in 1..40_usize,
        ) {
            let limits = limits(at_most, Some(bytes));
            let all = sizes(&all);
            let mut rest = &all[..];
            while !rest.is_empty() {
                let count = limits.first(rest);
                let size: usize = rest[..count].iter().map(|(_, size)| size).sum();
                prop_assert!(count >= 1 && count <= at_most && (size <= bytes || count == 1));
                if let Some((_, next)) = rest.get(count) {
                    prop_assert!(count == at_most || size >= bytes || size + next > bytes);
                }
                rest = &rest[count..];
            }
        }
    }
}
