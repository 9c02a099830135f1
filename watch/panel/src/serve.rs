//! A server for the panel alone.

use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use stage_core::watch::Board;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::options::Options;
use crate::routes::routes;
use crate::shared::Shared;

/// A panel that listens. Dropping it ends the server and the streams of its viewers.
///
/// ```
/// use stage_core::watch::Board;
/// use stage_panel::{Options, Serving, serve};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let panel: Serving = serve(Board::new(), Options::new().quiet()).await?;
/// assert!(panel.url().contains(&panel.address().to_string()));
/// panel.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

/// Serves the panel of `board`, and prints its address on stderr, with the token if there are controls.
///
/// ```
/// use stage_core::watch::Board;
/// use stage_panel::{Options, serve};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let panel = serve(Board::new(), Options::new()).await?;
/// println!("{}", panel.url());
/// panel.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns the error of the operating system, with the address, if it cannot listen there.
///
/// # Cancel safety
///
/// If the future is dropped before it is ready, nothing listens.
pub async fn serve(board: Board, options: Options) -> io::Result<Serving> {
    let listener = TcpListener::bind(options.address).await.map_err(|error| {
        let remedy = "give `Options::listen_on` another port, or 0 for any free one";
        io::Error::new(
            error.kind(),
            format!("the panel cannot listen on {}: {error}; {remedy}", options.address),
        )
    })?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the panel shows the pipelines to other machines");
    }
    let shared = Shared::new(board, options);
    let service = routes(Arc::clone(&shared)).into_make_service_with_connect_info::<SocketAddr>();
    let mut ending = shared.ending.subscribe();
    let ended = async move {
        // The sender is gone with the server's state, so the server ends as well.
        let _ = ending.wait_for(|ends| *ends).await;
    };
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(ended).await {
            tracing::warn!(%error, "the panel ended");
        }
    });
    let serving = Serving { address, shared, server: Some(server) };
    tracing::info!(%address, "the panel listens");
    if !serving.shared.options.is_quiet {
        // A program without a stderr goes on without the line.
        let _ = writeln!(io::stderr(), "{serving}");
    }
    Ok(serving)
}

impl Serving {
    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address for a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Ends the server and the streams of its viewers, and waits until open requests are answered.
    ///
    /// # Cancel safety
    ///
    /// The server ends if this future is dropped.
    pub async fn stop(mut self) {
        self.shared.ending.send_replace(true);
        if let Some(server) = self.server.take() {
            // A panic of the server has nothing left to end.
            let _ = server.await;
        }
    }
}

/// Writes the address, and the token if there are controls.
impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panel: {}", self.url())?;
        let options = &self.shared.options;
        if options.controls.names().is_empty() {
            return Ok(());
        }
        write!(f, " (controls: {}; token: {})", options.controls, options.token.secret())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.ending.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_named_with_a_remedy() {
        let first = serve(Board::new(), Options::new().quiet()).await.expect("a free port");
        let address = first.address();
        let options = Options::new().quiet().listen_on(address);
        let error = serve(Board::new(), options).await.expect_err("the port is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let line = error.to_string();
        assert!(line.starts_with(&format!("the panel cannot listen on {address}: ")), "{line}");
        assert!(line.ends_with("give `Options::listen_on` another port, or 0 for any free one"), "{line}");
    }
}
