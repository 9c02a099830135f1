//! The token of an event that a function has in hand.

use std::mem;

use super::token::Token;
use crate::trace::Scope;

/// Holds a token while a function handles its event. If the function panics, the drop is a failed attempt.
///
/// The token is marked only then: a store into a token that moves right afterwards stalls the processor.
struct InHand(Option<Token>);

/// Calls `function`, which handles the event of `token`.
#[inline]
pub(super) fn in_hand<U>(token: Token, function: impl FnOnce() -> U) -> (U, Token) {
    token.begin_look();
    // Dropped behind the scope if the function panics.
    let hand = InHand(Some(token));
    let made = {
        let _within = hand.scope();
        function()
    };
    (made, hand.release())
}

impl InHand {
    #[inline]
    fn scope(&self) -> Option<Scope> {
        self.0.as_ref().and_then(|token| Scope::of(token.trace()))
    }

    #[inline]
    fn release(mut self) -> Token {
        let token = self.0.take();
        // Nothing is left to drop.
        mem::forget(self);
        token.unwrap_or(const { Token::untracked() })
    }
}

impl Drop for InHand {
    #[inline]
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            fail(token);
        }
    }
}

/// Takes the token by value, so that it stays in registers where no function panics.
#[cold]
#[inline(never)]
fn fail(token: Token) {
    token.mark();
    drop(token);
}
