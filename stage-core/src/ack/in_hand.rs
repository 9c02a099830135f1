//! The token of an event that a function has in hand.

use std::mem;

use super::token::Token;
use crate::trace::Scope;

/// Holds a token while a function handles its event. If the function panics, the drop is a failed attempt.
///
/// The token is marked only then: a store into a token that moves right afterwards stalls the processor.
struct InHand(Token);

/// Calls `function`, which handles the event of `token`.
#[inline]
pub(super) fn in_hand<U>(token: Token, function: impl FnOnce() -> U) -> (U, Token) {
    token.begin_look();
    // Dropped behind the scope if the function panics.
    let hand = InHand(token);
    let made = {
        let _within = Scope::of(hand.0.trace());
        function()
    };
    (made, hand.release())
}

impl InHand {
    #[inline]
    fn take(&mut self) -> Token {
        mem::replace(&mut self.0, Token::untracked())
    }

    #[inline]
    fn release(mut self) -> Token {
        let token = self.take();
        // Nothing is left to drop.
        mem::forget(self);
        token
    }
}

impl Drop for InHand {
    #[inline]
    fn drop(&mut self) {
        fail(self.take());
    }
}

/// Takes the token by value, so that it stays in registers where no function panics.
#[cold]
#[inline(never)]
fn fail(token: Token) {
    token.mark();
    drop(token);
}
