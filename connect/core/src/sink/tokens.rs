//! The tokens of messages that are not stored yet.

use std::collections::VecDeque;

use stage_core::ack::{Reason, Token};

use super::storing::Stored;

/// Tokens in the order of their messages. Dropping them gives the deliveries back untried, unless storing panicked.
#[derive(Default)]
pub(super) struct Tokens(VecDeque<Token>);

impl Tokens {
    pub(super) fn append(&mut self, mut behind: Self) {
        self.0.append(&mut behind.0);
    }

    /// Takes the tokens of the first `count` messages.
    pub(super) fn take_first(&mut self, count: usize) -> Self {
        let behind = self.0.split_off(count);
        Self(std::mem::replace(&mut self.0, behind))
    }

    pub(super) fn settle(&mut self, stored: Stored) {
        match stored {
            Stored::Next(count) => Token::acknowledge_all(self.0.drain(..count.min(self.0.len()))),
            Stored::Refused { cause } => {
                if let Some(token) = self.0.pop_front() {
                    token.reject(Reason::hopeless(cause));
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Token> for Tokens {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A token with a value is not in hand, so dropping it is no attempt.
            self.0.drain(..).for_each(|token| drop(token.with(())));
        }
    }
}
