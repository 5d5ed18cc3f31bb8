//! The signalling of one participant as Janus's VideoRoom speaks it over a WebSocket
//! (janus.conf.meetecho.com/docs/rest.html and /videoroom.html): a session, a handle, a room, and
//! one transport for everything that a subscriber receives.

use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::protocol::Message;

use crate::media::{Media, Role};
use crate::options::Options;
use crate::socket::Socket;

/// The only room: every run has a server of its own.
const ROOM: u32 = 1;

/// What the last request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Session,
    Handle,
    Room,
    Seat,
    Description,
}

/// A participant's place in a VideoRoom.
pub struct Janus {
    /// Its signalling socket.
    pub socket: Socket,
    role: Role,
    /// From 0 among those of its role; a publisher's feed is one more.
    number: usize,
    publishers: usize,
    tracks: usize,
    session: u64,
    handle: u64,
    step: Step,
    requests: u32,
}

impl Janus {
    /// Opens the socket and asks for a session.
    ///
    /// # Errors
    ///
    /// A sentence that says why it could not be opened.
    pub fn open(options: &Options, role: Role, number: usize) -> Result<Self, String> {
        let header = "Sec-WebSocket-Protocol";
        let mut janus = Self {
            socket: Socket::open(&options.url, "/", header, "janus-protocol")?,
            role,
            number,
            publishers: options.publishers,
            tracks: usize::from(options.has_video) + usize::from(options.has_audio),
            session: 0,
            handle: 0,
            step: Step::Session,
            requests: 0,
        };
        janus.ask(json!({"janus": "create"}));
        Ok(janus)
    }

    /// Returns how many tracks it has subscribed to.
    pub fn wanted(&self) -> usize {
        match (self.role, self.step) {
            (Role::Subscriber, Step::Description) => self.publishers * self.tracks,
            _ => 0,
        }
    }

    /// Takes in what has come.
    ///
    /// # Errors
    ///
    /// The server refused, or sent something unusable.
    pub fn handle(&mut self, media: &mut Media) -> Result<(), String> {
        while let Some(message) = self.socket.poll() {
            let Message::Text(text) = message else {
                continue;
            };
            let told: Value =
                serde_json::from_str(&text).map_err(|error| format!("JSON: {error}"))?;
            if told["janus"] == "error" || told["plugindata"]["data"].get("error").is_some() {
                return Err(format!("Janus refused: {text}"));
            }
            let number = told["transaction"].as_str();
            let number = number.and_then(|number| number.parse::<u32>().ok());
            if number == Some(self.requests) && told["janus"] != "ack" {
                self.take(&told, media, Instant::now())?;
            }
        }
        Ok(())
    }

    /// Keeps the session, which ends after 60 s of silence.
    pub fn ping(&mut self) {
        let keep = json!({"janus": "keepalive", "session_id": self.session, "transaction": "keep"});
        self.socket.send(Message::text(keep.to_string()));
    }

    /// Says good-bye.
    pub fn leave(&mut self) {
        self.ask(json!({"janus": "destroy"}));
    }

    fn ask(&mut self, mut message: Value) {
        self.requests += 1;
        message["transaction"] = json!(self.requests.to_string());
        for (name, id) in [("session_id", self.session), ("handle_id", self.handle)] {
            if id != 0 {
                message[name] = json!(id);
            }
        }
        self.socket.send(Message::text(message.to_string()));
    }

    fn take(&mut self, told: &Value, media: &mut Media, now: Instant) -> Result<(), String> {
        let id = || told["data"]["id"].as_u64().ok_or("Janus gave no id");
        match self.step {
            Step::Session => {
                self.session = id()?;
                self.step = Step::Handle;
                self.ask(json!({"janus": "attach", "plugin": "janus.plugin.videoroom"}));
            }
            Step::Handle => {
                self.handle = id()?;
                if self.role == Role::Publisher && self.number == 0 {
                    self.step = Step::Room;
                    let room = json!({"request": "create", "room": ROOM, "publishers": 100,
                        "audiocodec": "opus", "videocodec": "vp8"});
                    self.ask(json!({"janus": "message", "body": room}));
                } else {
                    self.sit();
                }
            }
            Step::Room => self.sit(),
            Step::Seat => {
                media.moments.joined_at = Some(now);
                self.step = Step::Description;
                let (body, kind, sdp) = match self.role {
                    Role::Publisher => {
                        (json!({"request": "configure"}), "offer", media.offer(now)?)
                    }
                    Role::Subscriber => {
                        let offer = told["jsep"]["sdp"]
                            .as_str()
                            .ok_or("Janus offered nothing")?;
                        let answer = media.accept_offer(offer, now)?;
                        (json!({"request": "start"}), "answer", answer)
                    }
                };
                let jsep = json!({"type": kind, "sdp": sdp, "trickle": false});
                self.ask(json!({"janus": "message", "body": body, "jsep": jsep}));
            }
            Step::Description => {
                if let (Role::Publisher, Some(answer)) = (self.role, told["jsep"]["sdp"].as_str()) {
                    media.accept_answer(answer, now)?;
                }
            }
        }
        Ok(())
    }

    fn sit(&mut self) {
        self.step = Step::Seat;
        let body = match self.role {
            Role::Publisher => json!({"request": "join", "ptype": "publisher", "room": ROOM,
                "id": self.number + 1}),
            Role::Subscriber => {
                let feeds: Vec<_> = (1..=self.publishers)
                    .map(|feed| json!({"feed": feed}))
                    .collect();
                json!({"request": "join", "ptype": "subscriber", "room": ROOM, "streams": feeds})
            }
        };
        self.ask(json!({"janus": "message", "body": body}));
    }
}
