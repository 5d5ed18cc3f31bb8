//! What one participant sends and receives, whatever its signalling speaks.

use std::time::Instant;

use moot_sim::CameraShape;

use crate::options::Options;
use crate::transport::Transport;

/// Bits per second of a microphone.
const MICROPHONE_BPS: u64 = 32_000;

/// What a participant is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends.
    Publisher,
    /// Receives.
    Subscriber,
}

/// The moments of one join.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// The socket began to open.
    pub began_at: Instant,
    /// The server said who is there.
    pub joined_at: Option<Instant>,
}

/// Transports and devices of one participant.
pub struct Media {
    /// What it is there for.
    pub role: Role,
    /// What it sends on; publishers only.
    pub publisher: Option<Transport>,
    /// What it receives on.
    pub subscriber: Transport,
    /// Its moments.
    pub moments: Moments,
    /// Its cameras: what they are called, and their encodings from small to large.
    pub cameras: Vec<(String, Vec<CameraShape>)>,
    /// Its microphones: what they are called, and their bits per second.
    pub microphones: Vec<(String, u64)>,
}

impl Media {
    /// Opens the transports of participant `number` of its role.
    ///
    /// # Errors
    ///
    /// A sentence that says what could not be opened.
    pub fn open(options: &Options, role: Role, number: usize) -> Result<Self, String> {
        let now = Instant::now();
        let mut media = Self {
            role,
            publisher: None,
            subscriber: Transport::open(options.address, now)?,
            moments: Moments {
                began_at: now,
                joined_at: None,
            },
            cameras: Vec::new(),
            microphones: Vec::new(),
        };
        if role == Role::Subscriber {
            return Ok(media);
        }
        let mut transport = Transport::open(options.address, now)?;
        transport.endpoint.set_spread(options.spread);
        media.publisher = Some(transport);
        if options.has_video {
            let shapes = if options.is_simulcast {
                CameraShape::simulcast_720p().to_vec()
            } else {
                vec![CameraShape::single_720p()]
            };
            media.cameras.push((format!("camera-{number}"), shapes));
        }
        if options.has_audio {
            let name = format!("microphone-{number}");
            media.microphones.push((name, MICROPHONE_BPS));
        }
        Ok(media)
    }

    /// Returns an offer of every device.
    ///
    /// # Errors
    ///
    /// A sentence that says why nothing can be offered.
    pub fn offer(&mut self, now: Instant) -> Result<String, String> {
        let publisher = self.publisher.as_mut().ok_or("only publishers offer")?;
        let offered = publisher
            .endpoint
            .offer(&self.cameras, &self.microphones, now);
        offered.map_err(|error| error.to_string())
    }

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    ///
    /// It cannot be read, or nothing was offered.
    pub fn accept_answer(&mut self, sdp: &str, now: Instant) -> Result<(), String> {
        let publisher = self.publisher.as_mut().ok_or("only publishers offer")?;
        let accepted = publisher.endpoint.accept_answer(sdp, now);
        accepted.map_err(|error| error.to_string())
    }

    /// Answers what the server offers to send.
    ///
    /// # Errors
    ///
    /// It cannot be read or accepted.
    pub fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, String> {
        let answered = self.subscriber.endpoint.accept_offer(sdp, now);
        answered.map_err(|error| error.to_string())
    }

    /// Does what is due and sends what waits.
    ///
    /// # Errors
    ///
    /// A transport broke.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), String> {
        for transport in self.publisher.iter_mut().chain([&mut self.subscriber]) {
            if transport.endpoint.deadline() <= now {
                let done = transport.endpoint.handle_timeout(now);
                done.map_err(|error| error.to_string())?;
            }
            transport.send();
        }
        Ok(())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due next.
    pub fn deadline(&self) -> Instant {
        let deadline = self.subscriber.endpoint.deadline();
        match &self.publisher {
            Some(publisher) => deadline.min(publisher.endpoint.deadline()),
            None => deadline,
        }
    }
}
