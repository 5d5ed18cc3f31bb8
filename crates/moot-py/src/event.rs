//! Events as Python sees them: one frozen class each.

use std::collections::HashMap;

use moot_net::EngineEvent;
use moot_sfu::{ConnectionQuality, Event};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::words;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[pyclass(frozen, get_all, module = "moot._media")]
            pub(crate) struct $name {
                $($field: $type,)*
            }
        )*
    };
}

events! {
    /// The answer to an offer.
    Answer { connection: String, transport: &'static str, request: u32, sdp: String, mid_to_track: HashMap<String, String> }
    /// An offer for the client.
    Offer { connection: String, transport: &'static str, request: u32, sdp: String, mid_to_track: HashMap<String, String> }
    /// A single-transport client must offer again.
    SectionsNeeded { connection: String, audio: u32, video: u32 }
    /// ICE and DTLS of a transport, seen as one.
    TransportStateChanged { meeting: String, connection: String, transport: &'static str, state: &'static str, path: &'static str }
    /// An announced track has arrived.
    TrackPublished { meeting: String, connection: String, track: String, mid: String, codec: String, rids: Vec<String> }
    /// A track is gone.
    TrackUnpublished { meeting: String, connection: String, track: String }
    /// A message came in on a data channel.
    DataReceived { meeting: String, connection: String, kind: &'static str, payload: Py<PyBytes> }
    /// Who speaks has changed, or how loud.
    SpeakersChanged { meeting: String, speakers: Vec<Speaker> }
    /// A connection's quality changed.
    QualityChanged { meeting: String, connection: String, quality: &'static str, score: f32, cause: &'static str }
    /// A subscribed video is withheld, or sent again.
    StreamStateChanged { connection: String, track: String, state: &'static str }
    /// Which layers of a track anyone receives.
    SubscribedQualityChanged { connection: String, track: String, codec: &'static str, qualities: Vec<(&'static str, bool)> }
    /// Somebody who subscribed to a video cannot decode what it comes in.
    CodecUnsupported { connection: String, track: String, codec: &'static str }
    /// A command has taken effect.
    RequestDone { request: u32 }
    /// A command was refused.
    RequestFailed { connection: String, request: u32, code: &'static str, reason: String }
    /// A transport broke down.
    ConnectionFailed { meeting: String, connection: String, transport: &'static str, reason: String }
    /// A media thread has died.
    ShardFailed { shard: usize, meetings: Vec<String>, reason: String }
}

/// One connection's audio level.
#[pyclass(frozen, get_all, module = "moot._media")]
#[derive(Clone)]
pub(crate) struct Speaker {
    connection: String,
    track: String,
    level: f32,
    active: bool,
}

fn object<T: pyo3::PyClass>(
    py: Python<'_>,
    value: impl Into<PyClassInitializer<T>>,
) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, value)?.into_any())
}

/// Makes the Python object of an event.
pub(crate) fn convert(py: Python<'_>, event: EngineEvent) -> PyResult<Py<PyAny>> {
    match event {
        EngineEvent::Sfu(event) => convert_sfu(py, event),
        EngineEvent::ShardFailed {
            shard,
            meetings,
            reason,
        } => object(
            py,
            ShardFailed {
                shard,
                meetings: meetings.iter().map(ToString::to_string).collect(),
                reason,
            },
        ),
    }
}

fn convert_sfu(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    let transport_word = words::transport_word;
    match event {
        Event::Answer {
            connection,
            transport,
            request,
            description,
        } => object(
            py,
            Answer {
                connection: connection.to_string(),
                transport: transport_word(transport),
                request,
                mid_to_track: mid_to_track(&description),
                sdp: description.sdp,
            },
        ),
        Event::Offer {
            connection,
            transport,
            request,
            description,
        } => object(
            py,
            Offer {
                connection: connection.to_string(),
                transport: transport_word(transport),
                request,
                mid_to_track: mid_to_track(&description),
                sdp: description.sdp,
            },
        ),
        Event::SectionsNeeded {
            connection,
            audio,
            video,
        } => object(
            py,
            SectionsNeeded {
                connection: connection.to_string(),
                audio,
                video,
            },
        ),
        Event::TransportStateChanged {
            meeting,
            connection,
            transport,
            state,
            path,
        } => object(
            py,
            TransportStateChanged {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                transport: transport_word(transport),
                state: state.as_str(),
                path: words::path_word(path),
            },
        ),
        Event::TrackPublished {
            meeting,
            connection,
            track,
            mid,
            codec,
            rids,
        } => object(
            py,
            TrackPublished {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                track: track.to_string(),
                mid,
                codec,
                rids,
            },
        ),
        Event::TrackUnpublished {
            meeting,
            connection,
            track,
        } => object(
            py,
            TrackUnpublished {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                track: track.to_string(),
            },
        ),
        Event::DataReceived {
            meeting,
            connection,
            kind,
            payload,
        } => object(
            py,
            DataReceived {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                kind: words::data_word(kind),
                payload: PyBytes::new(py, &payload).unbind(),
            },
        ),
        Event::SpeakersChanged { meeting, speakers } => object(
            py,
            SpeakersChanged {
                meeting: meeting.to_string(),
                speakers: speakers
                    .into_iter()
                    .map(|speaker| Speaker {
                        connection: speaker.connection.to_string(),
                        track: speaker.track.to_string(),
                        level: speaker.level,
                        active: speaker.active,
                    })
                    .collect(),
            },
        ),
        Event::QualityChanged {
            meeting,
            connection,
            quality,
            score,
            cause,
        } => object(
            py,
            QualityChanged {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                quality: match quality {
                    ConnectionQuality::Lost => "lost",
                    ConnectionQuality::Poor => "poor",
                    ConnectionQuality::Good => "good",
                    ConnectionQuality::Excellent => "excellent",
                },
                score,
                cause,
            },
        ),
        Event::StreamStateChanged {
            connection,
            track,
            paused,
        } => object(
            py,
            StreamStateChanged {
                connection: connection.to_string(),
                track: track.to_string(),
                state: if paused { "paused" } else { "active" },
            },
        ),
        Event::SubscribedQualityChanged {
            connection,
            track,
            codec,
            qualities,
        } => object(
            py,
            SubscribedQualityChanged {
                connection: connection.to_string(),
                track: track.to_string(),
                codec,
                qualities: qualities
                    .into_iter()
                    .map(|(quality, is_wanted)| (words::quality_word(quality), is_wanted))
                    .collect(),
            },
        ),
        Event::CodecUnsupported {
            connection,
            track,
            codec,
        } => object(
            py,
            CodecUnsupported {
                connection: connection.to_string(),
                track: track.to_string(),
                codec,
            },
        ),
        Event::RequestDone { request } => object(py, RequestDone { request }),
        Event::RequestFailed {
            connection,
            request,
            refusal,
        } => object(
            py,
            RequestFailed {
                connection: connection.map_or_else(String::new, |id| id.to_string()),
                request,
                code: refusal.code.as_str(),
                reason: refusal.reason,
            },
        ),
        Event::ConnectionFailed {
            meeting,
            connection,
            transport,
            reason,
        } => object(
            py,
            ConnectionFailed {
                meeting: meeting.to_string(),
                connection: connection.to_string(),
                transport: transport_word(transport),
                reason,
            },
        ),
    }
}

fn mid_to_track(description: &moot_sfu::Description) -> HashMap<String, String> {
    description
        .tracks
        .iter()
        .map(|(mid, track)| (mid.clone(), track.to_string()))
        .collect()
}
