//! A network that can be cut: a proxy between browser and server.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A wire to a server. While it is cut, connections break and new ones are closed.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
}

impl Wire {
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let whole = Arc::new(watch::Sender::new(true));
        let (state, server) = (Arc::clone(&whole), server.to_owned());
        tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let (mut state, server) = (state.subscribe(), server.clone());
                tokio::spawn(async move {
                    let Ok(mut to) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = state.wait_for(|whole| !whole) => {}
                        // The end of either side is the end of the connection.
                        _ = copy_bidirectional(&mut browser, &mut to) => {}
                    }
                });
            }
        });
        Self { address, whole }
    }

    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}
