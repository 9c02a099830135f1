//! The addresses of a server or cluster, with credentials.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr, ServerError};
use serde_json::json;
use stage_connect::ConnectError;
use tokio::sync::watch;

use crate::error::{ApiError, connecting};
use crate::link::Link;

/// The interval at which the client checks that the server is alive; it gives up after three.
const PING: Duration = Duration::from_secs(2);

/// The time for one attempt to connect. Where packets are dropped, an attempt repeats its first packet after 1 s and 3 s, so
/// a longer one would not notice that the network is back.
const CONNECT: Duration = Duration::from_secs(2);

/// A NATS server or cluster: its addresses, credentials and TLS settings. `Debug` shows no secret.
///
/// ```
/// use stage_nats::Server;
///
/// # fn main() -> Result<(), stage_connect::ConnectError> {
/// let server = Server::new("tls://nats-1:4222,tls://nats-2:4222")?
///     .credentials("app", "secret")
///     .root_certificates("/etc/ssl/nats.pem")
///     .client_certificate("/etc/ssl/app.pem", "/etc/ssl/app.key")
///     .domain("hub")
///     .options(|options| options.name("billing"));
/// assert_eq!(server.name(), "tls://nats-1:4222,tls://nats-2:4222");
///
/// // Other credentials take the place of a user and its password.
/// let by_token = Server::new("nats://127.0.0.1:4222")?.token("s3cr3t");
/// # let _ = by_token;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Server {
    addresses: Vec<ServerAddr>,
    options: ConnectOptions,
    domain: Option<String>,
    name: String,
}

impl Server {
    /// Returns the server at `url`, `nats://[USER:PASSWORD@]HOST[:PORT]` or `tls://…`; several of them, separated by commas,
    /// are servers of one cluster.
    ///
    /// # Errors
    ///
    /// Returns a fatal [`ConnectError`], without the URL, if it is not of this form.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let wrong =
            |_| ConnectError::fatal("nats", "a URL is wrong", "write nats://HOST:PORT, or tls://HOST:PORT");
        let addresses: Vec<ServerAddr> =
            url.split(',').map(|url| url.trim().parse()).collect::<Result<_, _>>().map_err(wrong)?;
        let names: Vec<_> = addresses
            .iter()
            .map(|address| format!("{}://{}:{}", address.scheme(), address.host(), address.port()))
            .collect();
        let options = ConnectOptions::new().connection_timeout(CONNECT);
        Ok(Self { addresses, options, domain: None, name: names.join(",") })
    }

    /// Sets a user and its password.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options = self.options.user_and_password(user.into(), password.into());
        self
    }

    /// Sets a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options = self.options.token(token.into());
        self
    }

    /// Sets the seed of an nkey (feature `nkeys`).
    ///
    /// ```no_run
    /// use stage_nats::Server;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let seed = std::fs::read_to_string("/etc/nats/app.seed")?;
    /// let server = Server::new("nats://127.0.0.1:4222")?.nkey(seed.trim());
    /// # let _ = server;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "nkeys")]
    pub fn nkey(mut self, seed: impl Into<String>) -> Self {
        self.options = self.options.nkey(seed.into());
        self
    }

    /// Sets the content of a credentials file, which holds a JWT and a seed (feature `nkeys`).
    ///
    /// ```no_run
    /// use stage_nats::Server;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let content = std::fs::read_to_string("/etc/nats/app.creds")?;
    /// let server = Server::new("nats://127.0.0.1:4222")?.credentials_file(&content)?;
    /// # let _ = server;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a fatal [`ConnectError`] if the content is not of this form.
    #[cfg(feature = "nkeys")]
    pub fn credentials_file(mut self, content: &str) -> Result<Self, ConnectError> {
        let wrong = |_| {
            ConnectError::fatal(
                &self.name,
                "the credentials cannot be read",
                "give the content of a .creds file",
            )
        };
        self.options = self.options.credentials(content).map_err(wrong)?;
        Ok(self)
    }

    /// Requires TLS, by rustls with ring, and trusts the authorities in this PEM file beside those of the system.
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.options = self.options.add_root_certificates(file.into()).require_tls(true);
        self
    }

    /// Presents a certificate and its key, from PEM files.
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.options = self.options.add_client_certificate(certificate.into(), key.into()).require_tls(true);
        self
    }

    /// Sets the JetStream domain. Default: none.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Changes other options of the client. Reconnection and events are managed by this crate.
    pub fn options(mut self, change: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Returns the addresses without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates a stream with file storage for these subjects, unless a stream of this name exists. For a program that
    /// runs on its own; servers in production are set up with the `nats` command or by configuration.
    ///
    /// # Errors
    ///
    /// Returns a [`ConnectError`] if the server is away or refuses.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn create_stream(&self, stream: &str, subjects: &[&str]) -> Result<(), ConnectError> {
        let link = self.connect().await?;
        let what = format!("cannot create the stream `{stream}`");
        let config = json!({ "name": stream, "subjects": subjects, "storage": "file" });
        match link
            .api(&format!("STREAM.INFO.{stream}"), &json!({}))
            .await
            .map_err(|error| error.at(&self.name, &what))?
        {
            Ok(_) => Ok(()),
            Err(error) if error.code == ApiError::STREAM_NOT_FOUND => {
                let created = link.api(&format!("STREAM.CREATE.{stream}"), &config).await;
                match created.map_err(|error| error.at(&self.name, &what))? {
                    Ok(_) => Ok(()),
                    Err(error) => Err(ConnectError::fatal(
                        &self.name,
                        format_args!("{what}: {error}"),
                        "choose another name or other subjects",
                    )),
                }
            }
            Err(error) => Err(error.at(&self.name, &what)),
        }
    }

    /// Opens a connection, which ends at the first failure.
    pub(crate) async fn connect(&self) -> Result<Link, ConnectError> {
        let (ended, denied) = (Arc::new(watch::Sender::new(false)), Arc::new(Mutex::new(None)));
        let (ending, noted) = (Arc::clone(&ended), Arc::clone(&denied));
        let client = self
            .options
            .clone()
            .ping_interval(PING)
            .max_reconnects(self.addresses.len())
            .event_callback(move |event| {
                match event {
                    Event::Disconnected | Event::Closed | Event::ClientError(_) => {
                        ending.send_replace(true);
                    }
                    Event::ServerError(ServerError::Other(text)) if text.contains("ermissions") => {
                        *noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(text);
                    }
                    _ => {}
                }
                std::future::ready(())
            })
            .connect(&self.addresses[..])
            .await
            .map_err(|error| connecting(&self.name, error))?;
        let prefix = match &self.domain {
            Some(domain) => format!("$JS.{domain}.API"),
            None => "$JS.API".to_owned(),
        };
        Ok(Link { client, prefix, ended, denied })
    }

    pub(crate) fn jetstream(&self, link: &Link) -> async_nats::jetstream::Context {
        match &self.domain {
            Some(domain) => async_nats::jetstream::with_domain(link.client.clone(), domain),
            None => async_nats::jetstream::new(link.client.clone()),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_name_nor_an_error_shows_a_password() {
        let server = Server::new("nats://joe:hunter2@127.0.0.1:7000, nats://joe:hunter2@localhost").unwrap();
        assert_eq!(server.name(), "nats://127.0.0.1:7000,nats://localhost:4222");
        assert!(!format!("{server:?}").contains("hunter2"));
        let error = Server::new("nats://joe:hunter2@127.0.0.1:port").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
