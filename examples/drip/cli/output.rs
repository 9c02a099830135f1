//! Results on stdout: words, or exactly one JSON object.

use std::io::{self, Write};

use serde::Serialize;

/// How results are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Words,
    Json,
}

impl Output {
    /// Writes a result. A reader that went away (`drip ls | head`) is no failure.
    pub(super) fn result(self, words: &str, json: &impl Serialize) {
        let text = match self {
            Self::Words => words.trim_end().to_owned(),
            Self::Json => {
                serde_json::to_string(json).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
            }
        };
        if !text.is_empty() {
            let _ = writeln!(io::stdout(), "{text}");
        }
    }
}
