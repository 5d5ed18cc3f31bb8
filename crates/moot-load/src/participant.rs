//! One participant of the load: its media and the signalling that its server speaks.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::janus::Janus;
use crate::livekit::LiveKit;
use crate::media::{Media, Role};
use crate::options::{Options, Protocol};

const PING_INTERVAL: Duration = Duration::from_secs(5);

enum Signalling {
    LiveKit(LiveKit),
    Janus(Janus),
}

/// One participant.
pub struct Participant {
    /// What it sends and receives.
    pub media: Media,
    signalling: Signalling,
    ping_at: Instant,
}

impl Participant {
    /// Opens the signalling of one participant and waits for nothing else.
    ///
    /// # Errors
    ///
    /// A sentence that says what could not be opened.
    pub fn open(options: &Options, role: Role, number: usize) -> Result<Self, String> {
        let media = Media::open(options, role, number)?;
        let signalling = match options.protocol {
            Protocol::LiveKit => Signalling::LiveKit(LiveKit::open(options, role, number)?),
            Protocol::Janus => Signalling::Janus(Janus::open(options, role, number)?),
        };
        Ok(Self {
            ping_at: media.moments.began_at + PING_INTERVAL,
            media,
            signalling,
        })
    }

    /// Returns a handle of the signalling socket to wait on.
    ///
    /// # Errors
    ///
    /// The system has no more descriptors.
    pub fn readiness(&self) -> io::Result<TcpStream> {
        match &self.signalling {
            Signalling::LiveKit(livekit) => livekit.socket.readiness(),
            Signalling::Janus(janus) => janus.socket.readiness(),
        }
    }

    /// Returns how many tracks it has subscribed to.
    pub fn wanted(&self) -> usize {
        match &self.signalling {
            Signalling::LiveKit(livekit) => livekit.wanted(),
            Signalling::Janus(janus) => janus.wanted(),
        }
    }

    /// Takes in what signalling has come.
    ///
    /// # Errors
    ///
    /// The server sent something unusable, asked to leave or closed the socket.
    pub fn handle_signalling(&mut self) -> Result<(), String> {
        let is_open = match &mut self.signalling {
            Signalling::LiveKit(livekit) => {
                livekit.handle(&mut self.media)?;
                livekit.socket.is_open()
            }
            Signalling::Janus(janus) => {
                janus.handle(&mut self.media)?;
                janus.socket.is_open()
            }
        };
        if is_open {
            Ok(())
        } else {
            Err("the server closed the signalling socket".to_owned())
        }
    }

    /// Does what is due and sends what waits.
    ///
    /// # Errors
    ///
    /// A transport broke.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), String> {
        if now >= self.ping_at {
            self.ping_at = now + PING_INTERVAL;
            match &mut self.signalling {
                Signalling::LiveKit(livekit) => livekit.ping(),
                Signalling::Janus(janus) => janus.ping(),
            }
        }
        self.media.handle_timeout(now)
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due next.
    pub fn deadline(&self) -> Instant {
        self.ping_at.min(self.media.deadline())
    }

    /// Says good-bye.
    pub fn leave(&mut self) {
        match &mut self.signalling {
            Signalling::LiveKit(livekit) => livekit.leave(),
            Signalling::Janus(janus) => janus.leave(),
        }
    }
}
