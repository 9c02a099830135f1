//! The pipelines of a session on a page.

use std::net::SocketAddr;

use stage_core::Running;
use stage_core::watch::Board;
use stage_panel::{Controls, Options, Serving, serve};

use super::SessionError;
use super::dead_uploads::DeadUploads;

/// The pipelines that run, and the page that shows them, if there is one.
#[derive(Debug)]
pub struct Shown {
    board: Board,
    /// Serves the page until it is dropped.
    _page: Option<Serving>,
}

impl Shown {
    /// Opens a page at this address, with all controls and the dead uploads, and prints it on stderr with the
    /// token.
    pub(super) async fn open(address: Option<SocketAddr>, dead: DeadUploads) -> Result<Self, SessionError> {
        let board = Board::new();
        let Some(address) = address else { return Ok(Self { board, _page: None }) };
        let options = Options::new().listen_on(address).controls(Controls::all());
        let options = options.dead_letters("upload", dead);
        let page = serve(board.clone(), options).await;
        let page = page.map_err(|source| SessionError::Panel { address, source })?;
        Ok(Self { board, _page: Some(page) })
    }

    /// Shows a pipeline. It replaces an ended one with the same name.
    pub fn add(&self, name: &str, running: &Running) {
        self.board.remove(name);
        // The name is free; if it were not, the page would lack this pipeline.
        let _ = self.board.add(name, running);
    }
}
