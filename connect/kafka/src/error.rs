//! Errors of the client in the words of a connector.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use stage_connect::ConnectError;

/// Returns the error of a call at `server` that was to do `what`.
pub(crate) fn failed(server: &str, what: &str, error: &KafkaError) -> ConnectError {
    // The client's text names the setting with its value, which may be a secret.
    if let KafkaError::ClientConfig(_, text, name, value) = error {
        let text = if value.is_empty() { text.clone() } else { text.replace(value.as_str(), "…") };
        let wrong = format!("the setting `{name}` is wrong: {text}");
        return ConnectError::fatal(
            server,
            wrong,
            "see the settings of librdkafka; TLS and SCRAM need the feature `tls`",
        );
    }
    let Some(code) = error.rdkafka_error_code() else {
        return ConnectError::gone(server, what, error.to_string());
    };
    coded(server, what, code)
}

/// Returns the error of a code of the client or of a broker.
pub(crate) fn coded(server: &str, what: &str, code: RDKafkaErrorCode) -> ConnectError {
    use RDKafkaErrorCode as Code;
    let remedy = match code {
        Code::Authentication | Code::SaslAuthenticationFailed => "check the user name and the password",
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => "grant the user the topic and the group",
        Code::UnknownTopic | Code::UnknownTopicOrPartition => "create the topic",
        Code::InconsistentGroupProtocol => {
            "use the `partition.assignment.strategy` of the other members of the group"
        }
        Code::BrokerTransportFailure | Code::AllBrokersDown => {
            return ConnectError::gone(server, what, format!("a broker does not answer ({code})"));
        }
        _ => return ConnectError::gone(server, what, code.to_string()),
    };
    ConnectError::fatal(server, format_args!("{what}: {code}"), remedy)
}
