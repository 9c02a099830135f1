//! A relay between a client and a server that are both alive: it goes away in place of the server.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The state of the relay: whether it takes connections, and a number that changes with each break.
type State = (bool, u32);

pub(crate) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
}

impl Proxy {
    /// Starts a relay to a port of this machine. It ends with its runtime.
    pub(crate) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, seen) = watch::channel((true, 0));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if seen.borrow().0 {
                    tokio::spawn(relay(client, target, seen.clone()));
                }
            }
        });
        Self { port, state }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Breaks all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.1 += 1);
    }

    /// Breaks all connections, and refuses new ones until it is `up` again.
    pub(crate) fn set_up(&self, up: bool) {
        self.state.send_modify(|state| *state = (up, state.1 + 1));
    }
}

async fn relay(mut client: TcpStream, target: u16, mut state: watch::Receiver<State>) {
    state.mark_unchanged();
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = state.changed() => {}
    }
}
