//! The address of a server, its credentials and its encryption.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::ConnectError;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};

use crate::error::failed;
use crate::link::Link;

/// A PostgreSQL server and a database on it. Nothing is opened yet. Cheap to clone.
///
/// ```
/// use stage_postgres::Server;
///
/// let server = Server::new("postgres://app@db.internal:5433/shop")?.password("s3cret");
/// assert_eq!(server.to_string(), "postgres://db.internal:5433/shop");
/// assert!(!format!("{server:?}").contains("s3cret"));
/// # Ok::<(), stage_connect::ConnectError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Server {
    config: Config,
    name: Arc<str>,
    tls: Tls,
}

/// The encryption of connections.
#[derive(Clone)]
enum Tls {
    Off,
    #[cfg(feature = "tls")]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

impl Server {
    /// Parses the address of a server: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with options after a `?`, or
    /// `key=value` pairs as for `psql`.
    ///
    /// Defaults that differ from those of `psql`: a connection must be open within 10 s (`connect_timeout`), and a
    /// server that does not answer for 30 s counts as gone (`tcp_user_timeout`).
    ///
    /// # Errors
    ///
    /// A fatal [`ConnectError`] if the address cannot be parsed. It does not repeat the address, because that may
    /// contain a password.
    pub fn new(address: &str) -> Result<Self, ConnectError> {
        let refused = |what: &str, remedy: &str| Err(ConnectError::fatal("PostgreSQL", what, remedy));
        let Ok(mut config) = Config::from_str(address) else {
            return refused(
                "the address of the server cannot be parsed",
                "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of the password \
                 percent-encoded",
            );
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return refused(
                "the address of the server names no host",
                "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            );
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        if config.get_application_name().is_none() {
            config.application_name("stage-postgres");
        }
        let name = name_of(&config).into();
        Ok(Self { config, name, tls: Tls::Off })
    }

    /// Sets the password, so that it need not be part of the address.
    pub fn password(mut self, password: impl AsRef<[u8]>) -> Self {
        self.config.password(password);
        self
    }

    /// Encrypts the connections. The configuration determines which certificates are trusted; with
    /// `sslmode=require` in the address, an unencrypted connection is refused.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use rustls::{ClientConfig, RootCertStore};
    /// use stage_postgres::Server;
    ///
    /// fn server(authorities: RootCertStore) -> Result<Server, Box<dyn std::error::Error>> {
    ///     let provider = Arc::new(rustls::crypto::ring::default_provider());
    ///     let config = ClientConfig::builder_with_provider(provider)
    ///         .with_safe_default_protocol_versions()?
    ///         .with_root_certificates(authorities)
    ///         .with_no_client_auth();
    ///     Ok(Server::new("postgres://app@db.internal/shop?sslmode=require")?.tls(config))
    /// }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Tls::Rustls(tokio_postgres_rustls::MakeRustlsConnect::new(config));
        self
    }

    /// Returns the server and an object on it, for messages.
    pub(crate) fn object(&self, object: impl fmt::Display) -> Arc<str> {
        format!("{} {object}", self.name).into()
    }

    /// Opens a connection for statements of your own, such as a transaction that enqueues. A task drives it until the
    /// client is dropped.
    ///
    /// ```no_run
    /// use stage_postgres::{NewJob, Queue, Server};
    ///
    /// # async fn order(server: Server, queue: Queue) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut client = server.client().await?;
    /// let transaction = client.transaction().await?;
    /// transaction.execute("INSERT INTO orders (item) VALUES ($1)", &[&"tea"]).await?;
    /// queue.enqueue_in(&transaction, [NewJob::new("pack tea")]).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn client(&self) -> Result<tokio_postgres::Client, ConnectError> {
        Ok(self.connect(Arc::clone(&self.name)).await?.into_client())
    }

    /// Opens a connection; `object` names its purpose in errors.
    pub(crate) async fn connect(&self, object: Arc<str>) -> Result<Link, ConnectError> {
        match &self.tls {
            Tls::Off if self.config.get_ssl_mode() == SslMode::Require => Err(ConnectError::fatal(
                object,
                "the address requires TLS, and this client has none",
                "enable the feature `tls` and call `Server::tls`, or write sslmode=disable",
            )),
            Tls::Off => match self.config.connect(NoTls).await {
                Ok((client, connection)) => Link::open(client, connection, object).await,
                Err(error) => Err(failed(&object, "cannot connect", &error)),
            },
            #[cfg(feature = "tls")]
            Tls::Rustls(tls) => match self.config.connect(tls.clone()).await {
                Ok((client, connection)) => Link::open(client, connection, object).await,
                Err(error) => Err(failed(&object, "cannot connect", &error)),
            },
        }
    }
}

/// The address without user, password and options.
fn name_of(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) if host.contains(':') => format!("[{host}]"),
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{host}:{port}/{database}")
}

/// Writes the address without user, password and options.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encrypted = !matches!(self.tls, Tls::Off);
        f.debug_struct("Server").field("name", &self.name).field("tls", &encrypted).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_and_no_name_repeats_the_password() {
        for address in [
            "postgres://app:s3cret@host:not-a-port/shop",
            "postgres://app:s3cret@host/shop?s3cret=1",
            "postgres://app:s3cret@/shop?port=x",
            "host=a password=s3cret sslmode=perhaps",
            "password=s3cret",
        ] {
            let error = Server::new(address).expect_err(address);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
            assert!(error.to_string().contains("postgres://USER:PASSWORD@HOST:PORT/DATABASE"), "{error}");
        }
        let server = Server::new("postgres://app:s3cret@[::1]/shop").expect("an address");
        assert_eq!(server.to_string(), "postgres://[::1]:5432/shop");
        assert!(!format!("{server:?}").contains("s3cret"));
    }
}
