//! The signalling of one participant as LiveKit's SDKs speak it.

use std::collections::HashSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prost::Message as _;
use tungstenite::protocol::Message;

use crate::media::{Media, Role};
use crate::message::{
    AddTrack, Join, Leave, Participant as Other, Ping, Request, Response, SessionDescription,
    SignalRequest, SignalResponse, Target, TrackType, UpdateSubscription, UpdateTrackSettings,
    VideoLayer,
};
use crate::options::{Layout, Options};
use crate::socket::Socket;
use crate::token;

/// A participant's place in a room of LiveKit's.
pub struct LiveKit {
    /// Its signalling socket.
    pub socket: Socket,
    layout: Layout,
    unanswered: HashSet<String>,
    wanted: HashSet<String>,
    large_video: usize,
    offers: u32,
}

impl LiveKit {
    /// Opens `/rtc` as LiveKit's SDKs do, with the token in the header.
    ///
    /// # Errors
    ///
    /// A sentence that says why it could not be opened.
    pub fn open(options: &Options, role: Role, number: usize) -> Result<Self, String> {
        let name = match role {
            Role::Publisher => format!("publisher-{number}"),
            Role::Subscriber => format!("subscriber-{number}"),
        };
        let signed = token::sign(
            &options.key,
            &options.secret,
            &options.room_of(number),
            &name,
            SystemTime::now(),
        );
        let path = "/rtc?version=2.0.0&protocol=16&auto_subscribe=0&sdk=rust&os=linux";
        let bearer = format!("Bearer {signed}");
        Ok(Self {
            socket: Socket::open(&options.url, path, "Authorization", &bearer)?,
            layout: options.layout,
            unanswered: HashSet::new(),
            wanted: HashSet::new(),
            large_video: 0,
            offers: 0,
        })
    }

    /// Returns how many tracks it has subscribed to.
    pub fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Takes in what has come.
    ///
    /// # Errors
    ///
    /// The server sent something unusable or asked to leave.
    pub fn handle(&mut self, media: &mut Media) -> Result<(), String> {
        while let Some(message) = self.socket.poll() {
            let Message::Binary(bytes) = message else {
                continue;
            };
            let response = SignalResponse::decode(bytes.as_ref());
            let response = response.map_err(|error| error.to_string())?;
            // Kinds that a load ignores have no message here.
            if let Some(response) = response.message {
                self.handle_response(response, media, Instant::now())?;
            }
        }
        Ok(())
    }

    /// Tells the server that it is still there.
    pub fn ping(&mut self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.send(Request::PingReq(Ping {
            timestamp: since.map_or(0, |since| since.as_millis() as i64),
            rtt: 0,
        }));
    }

    /// Says good-bye.
    pub fn leave(&mut self) {
        self.send(Request::Leave(Leave { reason: 1 }));
    }

    fn send(&mut self, request: Request) {
        let message = SignalRequest {
            message: Some(request),
        };
        self.socket.send(Message::binary(message.encode_to_vec()));
    }

    fn handle_response(
        &mut self,
        response: Response,
        media: &mut Media,
        now: Instant,
    ) -> Result<(), String> {
        match response {
            Response::Join(join) => self.handle_join(&join, media, now),
            Response::TrackPublished(published) => {
                self.unanswered.remove(&published.cid);
                if self.unanswered.is_empty() {
                    return self.offer(media, now);
                }
            }
            Response::Answer(answer) => {
                if media.role == Role::Publisher {
                    media.accept_answer(&answer.sdp, now)?;
                }
            }
            Response::Offer(offer) => {
                let answer = SessionDescription {
                    kind: "answer".to_owned(),
                    sdp: media.accept_offer(&offer.sdp, now)?,
                    id: offer.id,
                };
                self.send(Request::Answer(answer));
            }
            Response::Trickle(trickle) => {
                let candidate: serde_json::Value = serde_json::from_str(&trickle.candidate_init)
                    .map_err(|error| format!("candidate: {error}"))?;
                let candidate = candidate["candidate"].as_str().unwrap_or_default();
                let transport = match (
                    &mut media.publisher,
                    trickle.target == Target::Publisher as i32,
                ) {
                    (Some(publisher), true) => publisher,
                    _ => &mut media.subscriber,
                };
                if !candidate.is_empty() {
                    let added = transport.endpoint.add_candidate(candidate, now);
                    added.map_err(|error| error.to_string())?;
                }
            }
            Response::Update(update) => {
                if media.role == Role::Subscriber {
                    self.subscribe(&update.participants);
                }
            }
            Response::Leave(leave) => {
                return Err(format!(
                    "the server asked to leave, reason {}",
                    leave.reason
                ));
            }
            Response::SubscribedQuality(_) => {}
        }
        Ok(())
    }

    fn handle_join(&mut self, join: &Join, media: &mut Media, now: Instant) {
        media.moments.joined_at = Some(now);
        match media.role {
            Role::Subscriber => self.subscribe(&join.others),
            Role::Publisher => self.announce(media),
        }
    }

    fn announce(&mut self, media: &Media) {
        for (cid, shapes) in &media.cameras {
            let last = shapes.len() - 1;
            let layers = shapes.iter().enumerate().map(|(place, shape)| VideoLayer {
                quality: (place + 2 - last) as i32,
                width: shape.width.into(),
                height: shape.height.into(),
                bitrate: shape.bitrate_bps as u32,
                rid: String::new(),
            });
            self.unanswered.insert(cid.clone());
            self.send(Request::AddTrack(AddTrack {
                cid: cid.clone(),
                name: cid.clone(),
                kind: TrackType::Video as i32,
                width: shapes[last].width.into(),
                height: shapes[last].height.into(),
                source: 1,
                layers: layers.collect(),
                disable_red: true,
            }));
        }
        for (cid, _) in &media.microphones {
            self.unanswered.insert(cid.clone());
            self.send(Request::AddTrack(AddTrack {
                cid: cid.clone(),
                name: cid.clone(),
                kind: TrackType::Audio as i32,
                source: 2,
                disable_red: true,
                ..AddTrack::default()
            }));
        }
    }

    fn offer(&mut self, media: &mut Media, now: Instant) -> Result<(), String> {
        self.offers += 1;
        let offer = SessionDescription {
            kind: "offer".to_owned(),
            sdp: media.offer(now)?,
            id: self.offers,
        };
        self.send(Request::Offer(offer));
        Ok(())
    }

    fn subscribe(&mut self, others: &[Other]) {
        for track in others.iter().flat_map(|other| &other.tracks) {
            if !self.wanted.insert(track.sid.clone()) {
                continue;
            }
            let track_sids = vec![track.sid.clone()];
            self.send(Request::Subscription(UpdateSubscription {
                track_sids: track_sids.clone(),
                subscribe: true,
            }));
            if track.kind != TrackType::Video as i32 {
                continue;
            }
            let is_large = self.layout == Layout::Full || self.large_video == 0;
            self.large_video += usize::from(is_large);
            let (quality, width, height) = if is_large {
                (2, 1280, 720)
            } else {
                (0, 320, 180)
            };
            self.send(Request::TrackSetting(UpdateTrackSettings {
                track_sids,
                disabled: false,
                quality,
                width,
                height,
            }));
        }
    }
}
