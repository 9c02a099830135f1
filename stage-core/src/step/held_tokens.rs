//! The tokens of events that a step holds without handling them.

use std::mem;

use crate::ack::Token;

/// Tokens of events that are held. Those that are held at the end return to their source untried.
#[derive(Debug, Default)]
pub(super) struct HeldTokens {
    tokens: Vec<Token>,
}

impl HeldTokens {
    /// Adds a token. Untracked ones, as those of plain events, are not kept.
    #[inline]
    pub(super) fn add(&mut self, token: Token) {
        if token.is_tracked() {
            self.tokens.push(token);
        }
    }

    /// Takes all tokens as one, which is untracked if there is none.
    #[inline]
    pub(super) fn join(&mut self) -> Token {
        Token::join(mem::take(&mut self.tokens))
    }
}

impl Drop for HeldTokens {
    #[inline]
    fn drop(&mut self) {
        self.tokens.drain(..).for_each(Token::give_back);
    }
}
