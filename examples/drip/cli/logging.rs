//! The log that `-v` and `-vv` write to stderr.

use std::io;

use tracing_subscriber::EnvFilter;

/// Starts writing the stages' traces.
pub(super) fn start(verbose: u8) {
    let filter = match verbose {
        0 => "warn",
        1 => "info,drip=debug,stage_core=debug",
        _ => "info,drip=trace,stage_core=trace",
    };
    // A second call, as in tests, keeps the first logger.
    let _ =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(io::stderr).try_init();
}
