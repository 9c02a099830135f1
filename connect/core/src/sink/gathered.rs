//! Messages that wait for others, so that they are stored in one call.

use std::time::Duration;

use tokio::time::Instant;

use super::tokens::Tokens;
use crate::call_limits::{Call, CallLimits};
use crate::message_id::MessageId;

/// The messages that a sink holds between its callbacks, in order.
pub(super) struct Gathered<M> {
    messages: Vec<(MessageId, M)>,
    tokens: Tokens,
    /// The number of the first ones that fill calls; the others are those of `last`.
    in_full_calls: usize,
    last: Call,
    /// The arrival of the first of them.
    since: Option<Instant>,
}

impl<M> Gathered<M> {
    pub(super) fn new() -> Self {
        let (messages, tokens, last) = Default::default();
        Self { messages, tokens, in_full_calls: 0, last, since: None }
    }

    pub(super) fn add(
        &mut self,
        mut messages: Vec<(MessageId, M)>,
        tokens: Tokens,
        limits: &CallLimits<M>,
        now: Instant,
    ) {
        self.since = self.since.or_else(|| (!messages.is_empty()).then_some(now));
        for (_, message) in &messages {
            self.in_full_calls += limits.join(&mut self.last, message);
        }
        self.messages.append(&mut messages);
        self.tokens.append(tokens);
    }

    /// Takes what is to be stored now: all messages, if the first has waited for `linger`, and otherwise those that fill
    /// calls.
    pub(super) fn take_due(&mut self, linger: Duration, now: Instant) -> (Vec<(MessageId, M)>, Tokens) {
        if self.due(linger).is_some_and(|due| due <= now) {
            return self.take_all();
        }
        let count = std::mem::take(&mut self.in_full_calls);
        if count > 0 {
            // What remains arrived last: before that, no call was full.
            self.since = (self.last.messages > 0).then_some(now);
        }
        let behind = self.messages.split_off(count);
        (std::mem::replace(&mut self.messages, behind), self.tokens.take_first(count))
    }

    /// Takes all messages.
    pub(super) fn take_all(&mut self) -> (Vec<(MessageId, M)>, Tokens) {
        (self.in_full_calls, self.last, self.since) = (0, Call::default(), None);
        (std::mem::take(&mut self.messages), std::mem::take(&mut self.tokens))
    }

    /// Returns when the first message has waited for `linger`; `None` without a message, or if that is never.
    pub(super) fn due(&self, linger: Duration) -> Option<Instant> {
        self.since?.checked_add(linger)
    }
}

#[cfg(test)]
mod tests {
    use stage_core::ack::Token;

    use super::*;
    use crate::call_limits::Bytes;

    const LINGER: Duration = Duration::from_millis(10);

    /// Adds messages and takes those that are due; returns their numbers.
    struct Script {
        gathered: Gathered<u64>,
        limits: CallLimits<u64>,
        begin: Instant,
        next: u64,
    }

    impl Script {
        fn new() -> Self {
            let limits = CallLimits { at_most: 4, bytes: None };
            Self { gathered: Gathered::new(), limits, begin: Instant::now(), next: 0 }
        }

        /// Each message has as many bytes as its number says, and a call 10.
        fn of_bytes() -> Self {
            let size = |number: &u64| usize::try_from(*number).unwrap();
            let bytes = Some(Bytes { at_most: 10, size: std::sync::Arc::new(size) });
            Self { limits: CallLimits { at_most: 4, bytes }, ..Self::new() }
        }

        fn at(&mut self, milliseconds: u64, new: u64) -> Vec<u64> {
            let now = self.begin + Duration::from_millis(milliseconds);
            let numbers = self.next..self.next + new;
            self.next += new;
            let messages: Vec<_> =
                numbers.map(|number| (MessageId::new(number.to_string()), number)).collect();
            let tokens = messages.iter().map(|_| Token::untracked()).collect();
            self.gathered.add(messages, tokens, &self.limits, now);
            let (taken, tokens) = self.gathered.take_due(LINGER, now);
            assert_eq!(tokens.len(), taken.len());
            taken.into_iter().map(|(_, number)| number).collect()
        }

        fn due(&self) -> Option<u128> {
            self.gathered.due(LINGER).map(|due| (due - self.begin).as_millis())
        }
    }

    #[test]
    fn messages_are_taken_when_a_call_is_full_or_the_first_has_waited_long_enough() {
        let mut script = Script::new();
        assert_eq!((script.at(0, 0), script.due()), (vec![], None));
        assert_eq!((script.at(1, 3), script.due()), (vec![], Some(11)));
        assert_eq!((script.at(5, 3), script.due()), (vec![0, 1, 2, 3], Some(15)));
        assert_eq!((script.at(14, 1), script.due()), (vec![], Some(15)));
        assert_eq!((script.at(15, 2), script.due()), (vec![4, 5, 6, 7, 8], None));
        assert_eq!((script.at(16, 8), script.due()), ((9..17).collect(), None));
    }

    #[test]
    fn messages_are_taken_when_the_bytes_of_a_call_are_full() {
        let mut script = Script::of_bytes();
        assert_eq!((script.at(0, 3), script.due()), (vec![], Some(10)));
        // 0, 1, 2 and 3 are four messages; 4 and 5 have no room for 6, 7 or 8.
        assert_eq!((script.at(1, 6), script.due()), ((0..8).collect(), Some(11)));
        // 8 and 9 have no room for each other, and 10 is full by itself.
        assert_eq!((script.at(2, 2), script.due()), (vec![8, 9, 10], None));
        assert_eq!((script.at(3, 1), script.due()), (vec![11], None));
    }

    #[test]
    fn all_messages_can_be_taken_before_they_are_due() {
        let mut script = Script::new();
        script.at(0, 3);
        let (messages, tokens) = script.gathered.take_all();
        assert_eq!((messages.len(), tokens.len(), script.due()), (3, 3, None));
    }
}
