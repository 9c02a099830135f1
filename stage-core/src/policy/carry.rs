//! Does an event travel alone, or as a delivery?

use crate::ack::{Delivery, Token};

/// How events of one pipeline travel: [`Plain`], or [`Acknowledged`]. Only these two.
pub trait Carry: sealed::Sealed + Send + 'static {
    /// What travels for an event of type `T`.
    type Of<T: Send + 'static>: Send + 'static;

    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> (T, Token);

    #[doc(hidden)]
    fn close<T: Send + 'static>(event: T, token: Token) -> Self::Of<T>;
}

/// Events travel alone; one that fails is counted as discarded.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

/// Events travel as deliveries; one that fails is rejected.
#[derive(Clone, Copy, Debug)]
pub enum Acknowledged {}

impl Carry for Plain {
    type Of<T: Send + 'static> = T;

    fn open<T: Send + 'static>(carried: T) -> (T, Token) {
        (carried, Token::untracked())
    }

    fn close<T: Send + 'static>(event: T, _: Token) -> T {
        event
    }
}

impl Carry for Acknowledged {
    type Of<T: Send + 'static> = Delivery<T>;

    fn open<T: Send + 'static>(carried: Delivery<T>) -> (T, Token) {
        carried.into_parts()
    }

    fn close<T: Send + 'static>(event: T, token: Token) -> Delivery<T> {
        token.with(event)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Acknowledged {}
}
