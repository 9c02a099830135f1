//! Messages that wait for others, so that they are stored in one call.

use std::time::Duration;

use tokio::time::Instant;

use super::tokens::Tokens;
use crate::message_id::MessageId;

/// The messages that a sink holds between its callbacks, in order.
pub(super) struct Gathered<M> {
    messages: Vec<(MessageId, M)>,
    tokens: Tokens,
    /// The arrival of the first of them.
    since: Option<Instant>,
}

impl<M> Gathered<M> {
    pub(super) fn new() -> Self {
        Self { messages: Vec::new(), tokens: Tokens::default(), since: None }
    }

    pub(super) fn add(&mut self, mut messages: Vec<(MessageId, M)>, tokens: Tokens, now: Instant) {
        self.since = self.since.or_else(|| (!messages.is_empty()).then_some(now));
        self.messages.append(&mut messages);
        self.tokens.append(tokens);
    }

    /// Takes what is to be stored now: all messages, if the first has waited for `linger`, and otherwise those that fill
    /// calls of `at_most` messages.
    pub(super) fn take_due(
        &mut self,
        at_most: usize,
        linger: Duration,
        now: Instant,
    ) -> (Vec<(MessageId, M)>, Tokens) {
        let is_due = self.due(linger).is_some_and(|due| due <= now);
        let rest = if is_due { 0 } else { self.messages.len() % at_most };
        let count = self.messages.len() - rest;
        if count > 0 {
            // What remains arrived last: before that, no call was full.
            self.since = (rest > 0).then_some(now);
        }
        let behind = self.messages.split_off(count);
        (std::mem::replace(&mut self.messages, behind), self.tokens.take_first(count))
    }

    /// Takes all messages.
    pub(super) fn take_all(&mut self) -> (Vec<(MessageId, M)>, Tokens) {
        self.since = None;
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

    const LINGER: Duration = Duration::from_millis(10);

    /// Adds messages and takes those that are due; returns their numbers.
    struct Script {
        gathered: Gathered<u64>,
        begin: Instant,
        next: u64,
    }

    impl Script {
        fn new() -> Self {
            Self { gathered: Gathered::new(), begin: Instant::now(), next: 0 }
        }

        fn at(&mut self, milliseconds: u64, new: u64) -> Vec<u64> {
            let now = self.begin + Duration::from_millis(milliseconds);
            let numbers = self.next..self.next + new;
            self.next += new;
            let messages: Vec<_> =
                numbers.map(|number| (MessageId::new(number.to_string()), number)).collect();
            let tokens = messages.iter().map(|_| Token::untracked()).collect();
            self.gathered.add(messages, tokens, now);
            let (taken, tokens) = self.gathered.take_due(4, LINGER, now);
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
    fn all_messages_can_be_taken_before_they_are_due() {
        let mut script = Script::new();
        script.at(0, 3);
        let (messages, tokens) = script.gathered.take_all();
        assert_eq!((messages.len(), tokens.len(), script.due()), (3, 3, None));
    }
}
