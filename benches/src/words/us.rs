//! Word count of this project: a flow of blocks of lines, combined by word.

use std::path::Path;

use flow::{Flow, FlowError};

use super::key::{Key, words};

/// Counts the words of a file.
///
/// # Errors
///
/// If the file cannot be read.
pub async fn count<K: Key>(path: &Path) -> Result<Vec<(K, u64)>, FlowError> {
    let counts = Flow::from_line_blocks(path).combining(|counts, block| {
        for word in words(&block) {
            *K::count_of(word, counts) += 1;
        }
    });
    counts.merged(|count, other| *count += other).collect().await
}
