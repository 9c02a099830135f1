//! The secret that controls need.

use std::fmt::{self, Write as _};

/// The number of random bytes of a token.
const BYTES: usize = 16;

/// The token that a request must have in the header `X-Stage-Token` to control a pipeline. Its `Debug` does not
/// show it.
///
/// ```
/// use stage_panel::Token;
///
/// assert_eq!(Token::random().secret().len(), 32);
/// assert_eq!(Token::new("open sesame").secret(), "open sesame");
/// assert!(!format!("{:?}", Token::new("open sesame")).contains("sesame"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Creates a random token of 128 bits, in 32 hexadecimal digits.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no random numbers.
    pub fn random() -> Self {
        Self(random_hex())
    }

    /// Creates a token from a secret of the service. An empty one matches nothing.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the token as text.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Compares with `given` in a time that does not depend on their common prefix. An empty token matches
    /// nothing.
    pub(crate) fn matches(&self, given: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let differences = own.iter().zip(given).fold(0, |all, (one, other)| all | (one ^ other));
        std::hint::black_box(differences) == 0 && own.len() == given.len() && !own.is_empty()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Returns 128 random bits in hexadecimal digits.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes.iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_matches() {
        let token = Token::new("secret");
        assert!(token.matches(b"secret"));
        for wrong in ["", "s", "secre", "secrets", "Secret", "secret "] {
            assert!(!token.matches(wrong.as_bytes()), "{wrong:?}");
        }
        assert!(!Token::new("").matches(b""));
    }

    #[test]
    fn random_tokens_differ_and_stay_out_of_logs() {
        let (one, other) = (Token::random(), Token::random());
        assert_ne!(one, other);
        assert_eq!(one.secret().len(), 32);
        assert_eq!(format!("{one:?}"), "Token");
    }
}
