//! The options of a panel.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::controls::Controls;
use crate::dead_letters::{DeadLetters, Erased};
use crate::tap::Tap;
use crate::token::Token;

/// The options of a panel. By default, it listens on a free port of `127.0.0.1` and has no controls.
///
/// A panel that other machines reach, with careful controls:
///
/// ```
/// use stage_core::watch::Board;
/// use stage_panel::{Controls, Options, Tap, Token, router_with};
///
/// # fn main() -> Result<(), std::net::AddrParseError> {
/// let orders = Tap::new();
/// let options = Options::new()
///     .listen_on("0.0.0.0:4000".parse()?)
///     .allow_host("panel.example.org")
///     .controls(Controls::none().pause().window())
///     .token(Token::random())
///     .tap("orders", "store", &orders)
///     .quiet();
/// println!("the token is {}", options.required_token().secret());
/// let panel = router_with(Board::new(), options);
/// # drop(panel);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) address: SocketAddr,
    pub(crate) hosts: BTreeSet<String>,
    pub(crate) controls: Controls,
    pub(crate) token: Token,
    pub(crate) is_quiet: bool,
    /// By pipeline.
    pub(crate) dead_letters: HashMap<String, Arc<dyn Erased>>,
    /// By pipeline and step.
    pub(crate) taps: HashMap<(String, String), Tap>,
}

impl Options {
    /// Creates the default options, with a random token.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no random numbers.
    pub fn new() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            hosts: BTreeSet::new(),
            controls: Controls::none(),
            token: Token::random(),
            is_quiet: false,
            dead_letters: HashMap::new(),
            taps: HashMap::new(),
        }
    }

    /// Sets the address that [`serve`](crate::serve) listens on. An address that other machines reach causes a
    /// warning, because it shows the pipelines to all of them.
    pub fn listen_on(mut self, address: SocketAddr) -> Self {
        self.address = address;
        let ip = address.ip();
        if ip.is_unspecified() { self } else { self.allow_host(host_of(ip)) }
    }

    /// Also answers requests whose `Host` header has this name or address, without a port. Loopback names are
    /// always allowed.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.insert(host.into().to_ascii_lowercase());
        self
    }

    /// Sets the allowed controls.
    pub fn controls(mut self, controls: Controls) -> Self {
        self.controls = controls;
        self
    }

    /// Sets the token that controls need.
    pub fn token(mut self, token: Token) -> Self {
        self.token = token;
        self
    }

    /// Lets [`serve`](crate::serve) print nothing.
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Shows the dead letters of a pipeline. [`Controls::dead_letters`] also allows retrying and dropping them. See the
    /// example of [`DeadLetters`].
    pub fn dead_letters(mut self, pipeline: impl Into<String>, letters: impl DeadLetters) -> Self {
        self.dead_letters.insert(pipeline.into(), Arc::new(letters));
        self
    }

    /// Shows a sample of the events that pass `tap`, at this step of the page.
    pub fn tap(mut self, pipeline: impl Into<String>, step: impl Into<String>, tap: &Tap) -> Self {
        self.taps.insert((pipeline.into(), step.into()), tap.clone());
        self
    }

    /// Returns the token that controls need, for a service that nests the panel to show it.
    pub fn required_token(&self) -> &Token {
        &self.token
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the address as it stands in a `Host` header.
fn host_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
