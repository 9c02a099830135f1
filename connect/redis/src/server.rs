//! The address of a server, with credentials.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion};
use stage_connect::ConnectError;

use crate::error::failed;

/// The longest wait for a connection, and for the answer to a command that does not block.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis server: its address, credentials and TLS settings. `Debug` shows no secret.
///
/// ```
/// use stage_redis::Server;
///
/// # fn main() -> Result<(), stage_connect::ConnectError> {
/// let server = Server::new("redis://redis-1:6379/2")?.credentials("app", "secret")?;
/// assert!(!server.name().contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Server {
    client: Client,
    name: String,
}

impl Server {
    /// Returns the server at `url`: `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`, `rediss://…` for TLS (feature `tls`), or
    /// `redis+unix:///PATH`.
    ///
    /// # Errors
    ///
    /// Returns a fatal [`ConnectError`], without the URL, if it is not of this form.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let info = url.into_connection_info().map_err(|error| failed("redis", "the URL is wrong", error))?;
        // The replies are read in the form of RESP2.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        Self::open(info.set_redis_settings(settings))
    }

    /// Sets the user, or `default`, and its password.
    ///
    /// # Errors
    ///
    /// None that [`new`](Self::new) did not report.
    pub fn credentials(self, user: &str, password: &str) -> Result<Self, ConnectError> {
        let info = self.client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_username(user).set_password(password);
        Self::open(info.set_redis_settings(settings))
    }

    /// Trusts only the authorities in `root_pem`, and presents the certificate and key in `client_pem` if there is one.
    /// Without this call, `rediss://` trusts the authorities of the system.
    ///
    /// ```no_run
    /// use std::fs;
    ///
    /// use stage_redis::Server;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (certificate, key) = (fs::read("/etc/ssl/app.pem")?, fs::read("/etc/ssl/app.key")?);
    /// let server = Server::new("rediss://redis-1:6380")?
    ///     .certificates(&fs::read("/etc/ssl/redis.pem")?, Some((&certificate[..], &key[..])))?;
    /// # let _ = server;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a fatal [`ConnectError`] if a certificate or a key cannot be read.
    #[cfg(feature = "tls")]
    pub fn certificates(
        self,
        root_pem: &[u8],
        client_pem: Option<(&[u8], &[u8])>,
    ) -> Result<Self, ConnectError> {
        let client_tls = client_pem.map(|(cert, key)| redis::ClientTlsConfig {
            client_cert: cert.to_vec(),
            client_key: key.to_vec(),
        });
        let certificates = redis::TlsCertificates { client_tls, root_cert: Some(root_pem.to_vec()) };
        let info = self.client.get_connection_info().clone();
        let client = Client::build_with_tls(info, certificates).map_err(|error| {
            ConnectError::fatal(
                &self.name,
                format_args!("a certificate is wrong: {error}"),
                "give PEM files and rediss://",
            )
        })?;
        Ok(Self { client, name: self.name })
    }

    fn open(info: redis::ConnectionInfo) -> Result<Self, ConnectError> {
        let db = match info.redis_settings().db() {
            0 => String::new(),
            db => format!("/{db}"),
        };
        let name = match info.addr() {
            ConnectionAddr::TcpTls { .. } => format!("rediss://{}{db}", info.addr()),
            ConnectionAddr::Unix(_) => format!("redis+unix://{}{db}", info.addr()),
            _ => format!("redis://{}{db}", info.addr()),
        };
        let client = Client::open(info).map_err(|error| failed(&name, "the address is wrong", error))?;
        Ok(Self { client, name })
    }

    /// Returns the address without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a connection. Commands on it have no time limit of their own, since the default of the client (500 ms) is
    /// shorter than a read that blocks.
    pub(crate) async fn connect(&self) -> Result<MultiplexedConnection, ConnectError> {
        // Of several crypto libraries in one program rustls chooses none by itself.
        #[cfg(feature = "tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(None);
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| failed(&self.name, "cannot connect", error))
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
        let server = Server::new("redis://joe:hunter2@127.0.0.1:7000/3").unwrap();
        assert_eq!(server.name(), "redis://127.0.0.1:7000/3");
        assert!(!format!("{server:?}").contains("hunter2"));
        let error = Server::new("redos://joe:hunter2@127.0.0.1").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(error.to_string().contains("write redis://HOST"), "{error}");
    }
}
