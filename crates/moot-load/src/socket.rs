//! The signalling WebSocket of one participant, blocking while it opens and never afterwards.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::Message;
use tungstenite::{Error, WebSocket};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(10);

/// An open signalling connection.
pub struct Socket {
    socket: WebSocket<TcpStream>,
    is_open: bool,
}

impl Socket {
    /// Opens `path` at `url` with one header beside those of RFC 6455.
    ///
    /// # Errors
    ///
    /// A sentence that says why it could not be opened.
    pub fn open(url: &str, path: &str, header: &'static str, value: &str) -> Result<Self, String> {
        let host = url
            .strip_prefix("ws://")
            .ok_or_else(|| format!("{url} does not begin with ws://"))?;
        let mut request = format!("{url}{path}")
            .into_client_request()
            .map_err(|error| error.to_string())?;
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        request.headers_mut().insert(header, value);
        let stream = TcpStream::connect(host).map_err(|error| format!("{host}: {error}"))?;
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(OPENING)));
        prepared.map_err(|error| error.to_string())?;
        let (socket, _) =
            tungstenite::client(request, stream).map_err(|error| format!("{url}: {error}"))?;
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

    /// Sends one message; into a closed socket it goes nowhere.
    pub fn send(&mut self, message: Message) {
        if let Err(error) = self.socket.send(message)
            && !is_later(&error)
        {
            self.is_open = false;
        }
    }

    /// Takes the next message that has come.
    pub fn poll(&mut self) -> Option<Message> {
        while self.is_open {
            match self.socket.read() {
                Ok(Message::Close(_)) => self.is_open = false,
                Ok(message) => return Some(message),
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
