//! The addresses of a cluster, with the settings of the client.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rdkafka::ClientConfig;

/// A Kafka cluster: its addresses, credentials and the settings of librdkafka. `Debug` shows only the addresses.
///
/// ```
/// use std::path::Path;
///
/// use stage_kafka::Server;
///
/// let server = Server::new("kafka-1:9093,kafka-2:9093")
///     .root_certificates(Path::new("/etc/ssl/kafka.pem"))
///     .credentials("SCRAM-SHA-512", "app", "secret")
///     .set("client.id", "billing");
/// assert_eq!(server.name(), "kafka://kafka-1:9093,kafka-2:9093");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Server {
    brokers: String,
    settings: BTreeMap<String, String>,
}

impl Server {
    /// Returns the cluster with these brokers, as `HOST:PORT`, separated by commas.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), settings: BTreeMap::new() }
    }

    /// Sets a user and its password, for SASL with this mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512` (feature
    /// `tls`). The connection is encrypted unless `security.protocol` is set.
    pub fn credentials(self, mechanism: &str, user: &str, password: &str) -> Self {
        let protocol =
            self.settings.get("security.protocol").cloned().unwrap_or_else(|| "SASL_SSL".to_owned());
        self.set("security.protocol", &protocol)
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", user)
            .set("sasl.password", password)
    }

    /// Encrypts the connection and trusts the authorities in this PEM file (feature `tls`).
    pub fn root_certificates(self, file: &Path) -> Self {
        let protocol = if self.settings.contains_key("sasl.mechanism") { "SASL_SSL" } else { "SSL" };
        self.set("security.protocol", protocol).set("ssl.ca.location", &file.to_string_lossy())
    }

    /// Sets a [setting of librdkafka](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md). Those that
    /// this crate relies on are not changed by it: `enable.auto.commit`, `enable.auto.offset.store`, `acks`,
    /// `enable.idempotence`.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Returns the address without credentials.
    pub fn name(&self) -> String {
        format!("kafka://{}", self.brokers)
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("reconnect.backoff.max.ms", "1000");
        config
    }

    fn with_settings(&self, mut config: ClientConfig, fixed: &[(&str, &str)]) -> ClientConfig {
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        for (name, value) in fixed {
            config.set(*name, *value);
        }
        config
    }

    /// Returns the settings of a member of a group.
    pub(crate) fn consumer(&self, group: &str, reset: &str) -> ClientConfig {
        let mut config = self.config();
        // Partitions that stay with their member are not interrupted when others move.
        config.set("partition.assignment.strategy", "cooperative-sticky");
        let fixed = [
            ("group.id", group),
            ("auto.offset.reset", reset),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
        ];
        self.with_settings(config, &fixed)
    }

    /// Returns the settings of a producer.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.config();
        config.set("message.timeout.ms", "20000");
        config.set("linger.ms", "2");
        self.with_settings(config, &[("enable.idempotence", "true"), ("acks", "all")])
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.brokers).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_that_acknowledgement_relies_on_cannot_be_changed() {
        let server =
            Server::new("a:1").set("enable.auto.commit", "true").credentials("PLAIN", "joe", "hunter2");
        let config = server.consumer("g", "earliest");
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("security.protocol"), Some("SASL_SSL"));
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
