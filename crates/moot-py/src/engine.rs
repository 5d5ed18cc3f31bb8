//! The engine's class.

use moot_net::SubmitError;
use moot_sfu::{Command, TrackId, TrackSpec, Wish};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::config::{EngineConfig, Layer};
use crate::event;
use crate::stats::{EngineStats, TransportStats};
use crate::words;

create_exception!(
    moot._media,
    QueueFull,
    PyException,
    "The shard's command queue is full."
);
create_exception!(
    moot._media,
    EngineClosed,
    PyException,
    "The engine has been closed."
);

/// The running media engine.
#[pyclass(frozen, module = "moot._media")]
pub(crate) struct Engine {
    engine: moot_net::Engine,
}

impl Engine {
    fn submit(&self, command: Command) -> PyResult<()> {
        self.engine.submit(command).map_err(|error| match error {
            SubmitError::QueueFull => QueueFull::new_err("the engine is overloaded"),
            SubmitError::Closed => EngineClosed::new_err("the engine has been closed"),
        })
    }
}

fn track_ids(tracks: Vec<String>) -> Vec<TrackId> {
    tracks.into_iter().map(Into::into).collect()
}

/// LiveKit's clients write a codec as `vp8`, `VP8` or `video/VP8`.
fn codec_name(codec: &str) -> String {
    let name = codec.rsplit('/').next().unwrap_or(codec);
    name.to_ascii_lowercase()
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, config: &EngineConfig) -> PyResult<Self> {
        let config = &config.config;
        let engine = py.detach(|| moot_net::Engine::start(config))?;
        Ok(Self { engine })
    }

    fn fileno(&self) -> i32 {
        self.engine.fd()
    }

    #[pyo3(signature = (max_events = 1_024))]
    fn drain(&self, py: Python<'_>, max_events: usize) -> PyResult<Vec<Py<PyAny>>> {
        let events = self.engine.drain(max_events);
        events
            .into_iter()
            .map(|event| event::convert(py, event))
            .collect()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.engine.close());
    }

    #[getter]
    fn udp_ports(&self) -> Vec<u16> {
        self.engine.udp_ports()
    }

    #[getter]
    fn tcp_port(&self) -> i32 {
        self.engine.tcp_port().map_or(-1, i32::from)
    }

    #[getter]
    fn addresses(&self) -> Vec<String> {
        let addresses = self.engine.addresses();
        addresses.iter().map(ToString::to_string).collect()
    }

    #[pyo3(signature = (meeting, *, request = 0))]
    fn open_meeting(&self, meeting: &str, request: u32) -> PyResult<()> {
        self.submit(Command::OpenMeeting {
            meeting: meeting.into(),
            request,
        })
    }

    #[pyo3(signature = (meeting, *, request = 0))]
    fn close_meeting(&self, meeting: &str, request: u32) -> PyResult<()> {
        self.submit(Command::CloseMeeting {
            meeting: meeting.into(),
            request,
        })
    }

    #[pyo3(signature = (meeting, connection, *, mode, sources = None, may_subscribe = true, request = 0))]
    fn open_connection(
        &self,
        meeting: &str,
        connection: &str,
        mode: &str,
        sources: Option<Vec<String>>,
        may_subscribe: bool,
        request: u32,
    ) -> PyResult<()> {
        self.submit(Command::OpenConnection {
            meeting: meeting.into(),
            connection: connection.into(),
            mode: words::mode(mode)?,
            sources: words::sources(sources)?,
            may_subscribe,
            request,
        })
    }

    #[pyo3(signature = (connection, *, request = 0))]
    fn close_connection(&self, connection: &str, request: u32) -> PyResult<()> {
        self.submit(Command::CloseConnection {
            connection: connection.into(),
            request,
        })
    }

    #[pyo3(signature = (connection, transport, sdp, *, request = 0))]
    fn accept_offer(
        &self,
        connection: &str,
        transport: &str,
        sdp: String,
        request: u32,
    ) -> PyResult<()> {
        self.submit(Command::AcceptOffer {
            connection: connection.into(),
            transport: words::transport(transport)?,
            sdp,
            request,
        })
    }

    #[pyo3(signature = (connection, transport, sdp, *, request = 0))]
    fn accept_answer(
        &self,
        connection: &str,
        transport: &str,
        sdp: String,
        request: u32,
    ) -> PyResult<()> {
        self.submit(Command::AcceptAnswer {
            connection: connection.into(),
            transport: words::transport(transport)?,
            sdp,
            request,
        })
    }

    fn negotiate(&self, connection: &str) -> PyResult<()> {
        self.submit(Command::Negotiate {
            connection: connection.into(),
        })
    }

    fn restart_ice(&self, connection: &str, transport: &str) -> PyResult<()> {
        self.submit(Command::RestartIce {
            connection: connection.into(),
            transport: words::transport(transport)?,
        })
    }

    fn add_candidate(&self, connection: &str, transport: &str, candidate: String) -> PyResult<()> {
        self.submit(Command::AddCandidate {
            connection: connection.into(),
            transport: words::transport(transport)?,
            candidate,
        })
    }

    #[pyo3(signature = (
        connection,
        track,
        *,
        cid,
        kind,
        source,
        muted = false,
        codec = "",
        layers = vec![],
        stereo = false,
        dtx = true,
        red = true,
        encrypted = false,
        request = 0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
    fn add_track(
        &self,
        connection: &str,
        track: &str,
        cid: String,
        kind: &str,
        source: &str,
        muted: bool,
        codec: &str,
        layers: Vec<Layer>,
        stereo: bool,
        dtx: bool,
        red: bool,
        encrypted: bool,
        request: u32,
    ) -> PyResult<()> {
        // Both pass as they come: a gap of DTX is no loss, and RED was negotiated by description.
        let _ = (dtx, red);
        self.submit(Command::AddTrack {
            connection: connection.into(),
            track: TrackSpec {
                track: track.into(),
                cid,
                kind: words::kind(kind)?,
                source: words::source(source)?,
                muted,
                codec: codec_name(codec),
                layers: layers.iter().map(Layer::spec).collect::<PyResult<_>>()?,
                stereo,
                encrypted,
            },
            request,
        })
    }

    #[pyo3(signature = (track, *, cid, codec, layers = vec![], request = 0))]
    fn add_codec(
        &self,
        track: &str,
        cid: String,
        codec: &str,
        layers: Vec<Layer>,
        request: u32,
    ) -> PyResult<()> {
        self.submit(Command::AddCodec {
            track: track.into(),
            cid,
            codec: codec_name(codec),
            layers: layers.iter().map(Layer::spec).collect::<PyResult<_>>()?,
            request,
        })
    }

    #[pyo3(signature = (track, *, request = 0))]
    fn remove_track(&self, track: &str, request: u32) -> PyResult<()> {
        self.submit(Command::RemoveTrack {
            track: track.into(),
            request,
        })
    }

    #[pyo3(signature = (track, muted, *, request = 0))]
    fn set_muted(&self, track: &str, muted: bool, request: u32) -> PyResult<()> {
        self.submit(Command::SetMuted {
            track: track.into(),
            muted,
            request,
        })
    }

    #[pyo3(signature = (connection, sources, *, request = 0))]
    fn set_allowed_sources(
        &self,
        connection: &str,
        sources: Option<Vec<String>>,
        request: u32,
    ) -> PyResult<()> {
        self.submit(Command::SetAllowedSources {
            connection: connection.into(),
            sources: words::sources(sources)?,
            request,
        })
    }

    #[pyo3(signature = (connection, tracks, *, request = 0))]
    fn subscribe(&self, connection: &str, tracks: Vec<String>, request: u32) -> PyResult<()> {
        self.submit(Command::Subscribe {
            connection: connection.into(),
            tracks: track_ids(tracks),
            request,
        })
    }

    #[pyo3(signature = (connection, tracks, *, request = 0))]
    fn unsubscribe(&self, connection: &str, tracks: Vec<String>, request: u32) -> PyResult<()> {
        self.submit(Command::Unsubscribe {
            connection: connection.into(),
            tracks: track_ids(tracks),
            request,
        })
    }

    #[pyo3(signature = (
        connection,
        track,
        *,
        disabled = false,
        quality = None,
        width = 0,
        height = 0,
        fps = 0,
        priority = 0,
        request = 0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
    fn set_subscription(
        &self,
        connection: &str,
        track: &str,
        disabled: bool,
        quality: Option<&str>,
        width: u32,
        height: u32,
        fps: u32,
        priority: u8,
        request: u32,
    ) -> PyResult<()> {
        // LiveKit's quality "off" is the same as not wanting it for now.
        let is_off = quality == Some("off");
        let quality = match quality.filter(|_| !is_off) {
            None => None,
            Some(word) => Some(words::quality(word)?),
        };
        self.submit(Command::SetSubscription {
            connection: connection.into(),
            track: track.into(),
            wish: Wish {
                disabled: disabled || is_off,
                quality,
                width,
                height,
                fps,
                priority,
            },
            request,
        })
    }

    #[pyo3(signature = (meeting, kind, payload, *, to = None, sender = None))]
    fn send_data(
        &self,
        meeting: &str,
        kind: &str,
        payload: &[u8],
        to: Option<Vec<String>>,
        sender: Option<&str>,
    ) -> PyResult<()> {
        self.submit(Command::SendData {
            meeting: meeting.into(),
            kind: words::data_kind(kind)?,
            payload: payload.into(),
            to: to.map(|ids| ids.into_iter().map(Into::into).collect()),
            sender: sender.map(Into::into),
        })
    }

    fn stats(&self) -> EngineStats {
        self.engine.totals().into()
    }

    #[pyo3(signature = (meeting = None))]
    fn transport_stats(&self, meeting: Option<&str>) -> Vec<TransportStats> {
        let meeting = meeting.map(Into::into);
        let stats = self.engine.transport_stats(meeting.as_ref());
        stats.into_iter().map(Into::into).collect()
    }
}
