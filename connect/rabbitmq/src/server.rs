//! The address of a server, with credentials.

use std::fmt;

use lapin::ConnectionProperties;
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use stage_connect::ConnectError;

/// The interval of heartbeats, in seconds, unless the URL sets one.
const HEARTBEAT: u16 = 10;

/// A RabbitMQ server: its address, virtual host, credentials and TLS settings. `Debug` shows no secret.
///
/// ```no_run
/// use std::fs;
///
/// use stage_rabbitmq::Server;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("amqps://rabbit-1:5671/shop")?
///     .credentials("app", "secret")
///     .root_certificates(fs::read_to_string("/etc/ssl/rabbit.pem")?)
///     .client_certificate(fs::read("/etc/ssl/app.pem")?, fs::read("/etc/ssl/app.key")?);
/// println!("{}", server.name());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Server {
    uri: AMQPUri,
    authority_pem: Option<String>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    name: String,
}

impl Server {
    /// Returns the server at `url`: `amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]`, or `amqps://…` for TLS (feature `tls`).
    ///
    /// # Errors
    ///
    /// Returns a fatal [`ConnectError`], without the URL, if it is not of this form.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let remedy = "write amqp://HOST:PORT/VHOST, or amqps:// with the feature `tls`";
        let mut uri: AMQPUri =
            url.parse().map_err(|_| ConnectError::fatal("amqp", "the URL is wrong", remedy))?;
        let authority = &uri.authority;
        let vhost = if uri.vhost == "/" { String::new() } else { format!("/{}", uri.vhost) };
        let name = format!("{}://{}:{}{vhost}", uri.scheme, authority.host, authority.port);
        if uri.scheme == AMQPScheme::AMQPS && cfg!(not(feature = "tls")) {
            return Err(ConnectError::fatal(
                name,
                "the client has no TLS",
                "enable the feature `tls` of stage-rabbitmq",
            ));
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Ok(Self { uri, authority_pem: None, identity: None, name })
    }

    /// Sets a user and its password. Default: those of the URL, or `guest`.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.uri.authority.userinfo.username = user.into();
        self.uri.authority.userinfo.password = password.into();
        self
    }

    /// Trusts the authorities in this PEM text, beside those of the system. For `amqps://` only.
    pub fn root_certificates(mut self, pem: impl Into<String>) -> Self {
        self.authority_pem = Some(pem.into());
        self
    }

    /// Presents a certificate and its key, both as PEM texts; the key has no password. For `amqps://` only. Neither is
    /// part of an error or of `Debug`. A server that refuses a client closes the connection, at times before it has told
    /// the reason: the error is then transient, and a later attempt has the reason.
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// Returns the address without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a connection, which ends at the first failure: recovery is the pipeline's.
    pub(crate) async fn connect(&self) -> lapin::Result<lapin::Connection> {
        let identity = self.identity.clone().map(|(pem, key)| lapin::tcp::OwnedIdentity::PKCS8 { pem, key });
        let tls = OwnedTLSConfig { identity, cert_chain: self.authority_pem.clone() };
        let properties = ConnectionProperties::default().with_connection_name("stage-rabbitmq".into());
        let runtime = lapin::runtime::default_runtime()?;
        lapin::Connection::connect_uri_with_config(self.uri.clone(), properties, tls, runtime).await
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
        let server = Server::new("amqp://joe:hunter2@127.0.0.1:7000/orders").unwrap();
        assert_eq!(server.name(), "amqp://127.0.0.1:7000/orders");
        assert!(!format!("{server:?}").contains("hunter2"));
        let error = Server::new("http://joe:hunter2@127.0.0.1").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(error.to_string().contains("write amqp://HOST"), "{error}");
    }
}
