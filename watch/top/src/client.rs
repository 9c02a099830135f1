//! The connection to a panel.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use crate::app::Control;
use crate::tick::{Tick, Windows};

/// The time that a panel has for an answer, and for a sign of life on a stream.
const PATIENCE: Duration = Duration::from_secs(15);

/// The size of an answer or of one event, beyond which it is no panel that answers.
const LARGEST: usize = 16 << 20;

/// The address of a panel: `http://host:port` with an optional path.
///
/// ```
/// use stage_top::{Address, AddressError};
///
/// let address: Result<Address, AddressError> = "http://127.0.0.1:4000/panel".parse();
/// assert!(address.is_ok());
/// let wrong: Result<Address, AddressError> = "https://127.0.0.1:4000".parse();
/// assert!(wrong.is_err(), "a panel has no encryption of its own");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    authority: String,
    path: String,
}

/// A text is not the address of a panel.
///
/// See the example of [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the address of a panel, as in http://127.0.0.1:4000", self.0)
    }
}

impl std::error::Error for AddressError {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}/{}", self.authority, self.path)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let valid: hyper::http::uri::Authority = authority.parse().map_err(|_| wrong())?;
        let host = valid.host();
        let has_port = authority.len() > host.len();
        let port = if has_port { valid.port_u16().ok_or_else(wrong)? } else { 80 };
        let is_other_scheme = text.contains("://") && !text.starts_with("http://");
        if host.is_empty() || authority.contains('@') || is_other_scheme {
            return Err(wrong());
        }
        Ok(Self { authority: format!("{host}:{port}"), path: path.trim_end_matches('/').to_owned() })
    }
}

/// A message of the panel, or about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum News {
    /// The names of all pipelines.
    Pipelines(Vec<String>),
    /// The windows of the steps of the shown pipeline.
    Windows(Windows),
    /// The activity of the shown pipeline.
    Tick(Box<Tick>),
    /// A line for the user.
    Said(String),
}

/// A client of a panel.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::watch::Board;
/// use stage_panel::{Options, serve};
/// use stage_top::{Address, Client};
/// use tokio::sync::mpsc::unbounded_channel;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let running = Pipeline::builder("upload")
///     .start_fn("numbers", || Ok(0_u64..))
///     .finish_fn("ignore", |_| ())
///     .start()
///     .await?;
/// let board = Board::new();
/// board.add("upload", &running)?;
/// let panel = serve(board, Options::new().quiet()).await?;
///
/// let address: Address = panel.address().to_string().parse()?;
/// let client = Client::new(address, None);
/// assert_eq!(client.pipelines().await?, ["upload"]);
///
/// // The news of the pipeline, until the connection ends.
/// let (sender, mut news) = unbounded_channel();
/// tokio::select! {
///     ended = client.follow(Some("upload"), &sender) => ended?,
///     first = news.recv() => println!("{first:?}"),
/// }
/// panel.stop().await;
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    token: Option<String>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
struct Listed {
    pipelines: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Client {
    /// Creates a client, with the token that controls need.
    pub fn new(address: Address, token: Option<String>) -> Self {
        Self { address, token }
    }

    /// Returns the names of all pipelines.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no connection, or the answer is not that of a panel.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn pipelines(&self) -> Result<Vec<String>, BoxError> {
        let listed: Listed = self.get("").await?;
        Ok(listed.pipelines.into_iter().map(|named| named.name).collect())
    }

    /// Sends the pipelines, and the windows and ticks of `pipeline`, or the first one, to `news`, until the
    /// connection ends.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no connection, it ends, or the answer is not that of a panel.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn follow(&self, pipeline: Option<&str>, news: &UnboundedSender<News>) -> Result<(), BoxError> {
        let names = self.pipelines().await?;
        let first = names.first().cloned();
        send(news, News::Pipelines(names));
        let Some(pipeline) = pipeline.map(str::to_owned).or(first) else {
            return Err("no pipeline is on the board".into());
        };
        let path = format!("/{}", encoded(&pipeline));
        send(news, News::Windows(self.get(&path).await?));
        let mut body = self.send("GET", &format!("{path}/live?hz=2"), String::new()).await?.into_body();
        let mut text = Vec::new();
        loop {
            let frame = timeout(PATIENCE, body.frame()).await.map_err(|_| self.silent())?;
            let Some(frame) = frame else {
                return Err(format!("the panel at {} ended the stream", self.address).into());
            };
            text.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
                if let Some(tick) = tick(&text[..end])? {
                    send(news, News::Tick(Box::new(tick)));
                }
                text.drain(..end + 2);
            }
            if text.len() > LARGEST {
                return Err("an event of the panel is too large".into());
            }
        }
    }

    /// Sends a control; returns a line for the user, and the windows afterwards.
    ///
    /// ```
    /// use stage_top::{Action, Client, News};
    /// use tokio::sync::mpsc::UnboundedSender;
    ///
    /// /// Sends the request that a key asked for.
    /// async fn send(client: &Client, action: Action, news: &UnboundedSender<News>) {
    ///     if let Action::Control(control) = action
    ///         && let Err(error) = client.control(control, news).await
    ///     {
    ///         let _ = news.send(News::Said(error.to_string()));
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the reason for which the panel refuses it, or an error if there is no connection.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the control may still take effect.
    pub async fn control(&self, control: Control, news: &UnboundedSender<News>) -> Result<(), BoxError> {
        let Control { method, pipeline, path, body } = control;
        let pipeline = format!("/{}", encoded(&pipeline));
        let parts: Vec<_> = path.iter().map(|part| encoded(part)).collect();
        self.send(method, &format!("{pipeline}/{}", parts.join("/")), body).await?;
        send(news, News::Windows(self.get(&pipeline).await?));
        send(news, News::Said(format!("done: {}", path.join(" "))));
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, BoxError> {
        let response = self.send("GET", path, String::new()).await?;
        let body = self.whole(response).await?;
        serde_json::from_slice(&body).map_err(|error| self.no_panel(error))
    }

    /// Sends a request; returns an answer that is not a refusal.
    async fn send(&self, method: &str, path: &str, body: String) -> Result<Response<Incoming>, BoxError> {
        let Address { authority, path: base } = &self.address;
        let base = if base.is_empty() { String::new() } else { format!("/{base}") };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{base}/api/pipelines{path}"))
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header("x-stage-token", token);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let answer = async {
            let connected = TcpStream::connect(authority).await;
            let stream = connected.map_err(|error| self.not_there(error))?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(|error| self.no_panel(error))
        };
        let answer = timeout(PATIENCE, answer).await.map_err(|_| self.silent())??;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        match serde_json::from_slice::<Refused>(&self.whole(answer).await?) {
            Ok(refused) => Err(refused.error.into()),
            Err(_) => Err(self.no_panel(format!("the answer is {status}"))),
        }
    }

    /// Returns the body of an answer.
    async fn whole(&self, response: Response<Incoming>) -> Result<Bytes, BoxError> {
        let body = Limited::new(response.into_body(), LARGEST);
        Ok(timeout(PATIENCE, body.collect()).await.map_err(|_| self.silent())??.to_bytes())
    }

    /// Returns the error of an address at which nothing listens.
    fn not_there(&self, error: impl fmt::Display) -> BoxError {
        let address = &self.address;
        format!(
            "cannot connect to {address}: {error}; give the address that the service printed at its start"
        )
        .into()
    }

    /// Returns the error of a server that is no panel.
    fn no_panel(&self, error: impl fmt::Display) -> BoxError {
        let address = &self.address;
        format!("no panel answers at {address}: {error}; give the address and the path of a panel").into()
    }

    /// Returns the error of a panel that does not answer in time.
    fn silent(&self) -> BoxError {
        format!("the panel at {} does not answer within {PATIENCE:?}", self.address).into()
    }
}

fn send(news: &UnboundedSender<News>, one: News) {
    // Without a receiver, the program is about to end.
    let _ = news.send(one);
}

/// Returns the tick in an event, if it is one.
fn tick(event: &[u8]) -> Result<Option<Tick>, BoxError> {
    let event = std::str::from_utf8(event)?;
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    match (field("event:"), field("data:")) {
        (Some("tick"), Some(data)) => Ok(Some(serde_json::from_str(data)?)),
        _ => Ok(None),
    }
}

/// Returns a name as a part of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        let parsed = |text: &str| text.parse::<Address>().map(|address| (address.authority, address.path));
        let address = |authority: &str, path: &str| Ok((authority.to_owned(), path.to_owned()));
        assert_eq!(parsed("http://127.0.0.1:4000"), address("127.0.0.1:4000", ""));
        assert_eq!(parsed("localhost:4000/"), address("localhost:4000", ""));
        assert_eq!(parsed("http://[::1]:4000/ops/panel/"), address("[::1]:4000", "ops/panel"));
        assert_eq!(parsed("example.org"), address("example.org:80", ""));
        for wrong in ["", "https://a:1", "http://", "a b", "u@h:1", "h:port", "h:99999"] {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("is not the address of a panel"), "{error}");
        }
    }

    #[tokio::test]
    async fn errors_name_the_address() {
        let pipelines = async |text: &str| {
            let address = text.parse().expect("an address");
            Client::new(address, None).pipelines().await.expect_err("no panel is there").to_string()
        };
        let error = pipelines("http://127.0.0.1:1/panel").await;
        assert!(error.starts_with("cannot connect to http://127.0.0.1:1/panel: "), "{error}");
        // A server that is no panel.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.writable().await.expect("an open connection");
            stream.try_write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").expect("an open connection");
            // The connection stays open until the client has read the answer.
            std::future::pending::<()>().await;
        });
        let error = pipelines(&address).await;
        assert!(error.starts_with(&format!("no panel answers at http://{address}/: ")), "{error}");
    }

    #[test]
    fn names_are_one_part_of_a_path() {
        assert_eq!(encoded("a/b ü?"), "a%2Fb%20%C3%BC%3F");
    }

    #[test]
    fn only_ticks_are_read_from_the_stream() {
        assert!(tick(b": alive").unwrap().is_none());
        assert!(tick(b"event: history\ndata: {}").unwrap().is_none());
        assert!(tick(b"event: tick\ndata: {").is_err());
        assert!(tick(b"event: tick\ndata: \xff").is_err());
    }
}
