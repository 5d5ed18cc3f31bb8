//! The signalling WebSocket of one participant, blocking while it opens and never afterwards.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use prost::Message as _;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::Message;
use tungstenite::{Error, WebSocket};

use crate::message::{Request, Response, SignalRequest, SignalResponse};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(10);

/// An open signalling connection.
pub struct SignalSocket {
    socket: WebSocket<TcpStream>,
    is_open: bool,
}

impl SignalSocket {
    /// Opens `/rtc` as LiveKit's SDKs do, with the token in the header.
    ///
    /// # Errors
    ///
    /// A sentence that says why it could not be opened.
    pub fn open(url: &str, token: &str) -> Result<Self, String> {
        let host = url
            .strip_prefix("ws://")
            .ok_or_else(|| format!("{url} does not begin with ws://"))?;
        let full =
            format!("{url}/rtc?version=2.0.0&protocol=16&auto_subscribe=0&sdk=rust&os=linux");
        let mut request = full
            .into_client_request()
            .map_err(|error| error.to_string())?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
        let bearer = bearer.map_err(|error| error.to_string())?;
        request.headers_mut().insert("Authorization", bearer);
        let stream = TcpStream::connect(host).map_err(|error| format!("{host}: {error}"))?;
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(OPENING)));
        prepared.map_err(|error| error.to_string())?;
        let (socket, _) =
            tungstenite::client(request, stream).map_err(|error| format!("{url}/rtc: {error}"))?;
        let stream = socket.get_ref();
        stream
            .set_nonblocking(true)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            socket,
            is_open: true,
        })
    }

    /// Returns another handle of the socket to wait on.
    ///
    /// # Errors
    ///
    /// The system has no more descriptors.
    pub fn readiness(&self) -> io::Result<TcpStream> {
        self.socket.get_ref().try_clone()
    }

    /// Returns whether the server has not closed it.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Sends one request; into a closed socket it goes nowhere.
    pub fn send(&mut self, request: Request) {
        let message = SignalRequest {
            message: Some(request),
        };
        let sent = self.socket.send(Message::binary(message.encode_to_vec()));
        if let Err(error) = sent
            && !is_later(&error)
        {
            self.is_open = false;
        }
    }

    /// Takes the next response that has come, skipping kinds that a load ignores.
    pub fn poll(&mut self) -> Option<Response> {
        while self.is_open {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => {
                    let response = SignalResponse::decode(bytes.as_ref()).ok()?;
                    if response.message.is_some() {
                        return response.message;
                    }
                }
                Ok(Message::Close(_)) => self.is_open = false,
                Ok(_) => {}
                Err(error) if is_later(&error) => return None,
                Err(_) => self.is_open = false,
            }
        }
        None
    }
}

fn is_later(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}
