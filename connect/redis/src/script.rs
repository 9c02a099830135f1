//! The scripts that the server runs, each as one operation.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisResult, cmd};

/// Claims entries whose lease has ended.
pub(crate) const CLAIM: &str = include_str!("scripts/claim.lua");
/// Writes verdicts.
pub(crate) const SETTLE: &str = include_str!("scripts/settle.lua");
/// Renews leases.
pub(crate) const EXTEND: &str = include_str!("scripts/extend.lua");
/// Removes a consumer without entries.
pub(crate) const LEAVE: &str = include_str!("scripts/leave.lua");
/// Appends entries.
pub(crate) const APPEND: &str = include_str!("scripts/append.lua");

/// Returns the call of a script on these keys.
pub(crate) fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut call = cmd("EVAL");
    call.arg(text).arg(keys.len()).arg(keys);
    call
}

/// Calls, and gives up after the patience for commands that do not block.
pub(crate) async fn call<T: FromRedisValue>(
    link: &mut MultiplexedConnection,
    call: &Cmd,
) -> Option<RedisResult<T>> {
    tokio::time::timeout(crate::server::PATIENCE, call.query_async(link)).await.ok()
}
