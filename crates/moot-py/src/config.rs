//! Values that Python makes.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use moot_sfu::{Codecs, LayerSpec};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::words;

/// Everything that shapes an engine.
#[pyclass(frozen, module = "moot._media")]
pub(crate) struct EngineConfig {
    pub(crate) config: moot_net::EngineConfig,
}

fn within<T: PartialOrd + std::fmt::Display>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> PyResult<T> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(PyValueError::new_err(format!(
            "{name} is {value}, not {} to {}",
            range.start(),
            range.end()
        )))
    }
}

fn addresses(name: &str, texts: &[String]) -> PyResult<Vec<IpAddr>> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|_| {
                PyValueError::new_err(format!("{name}: {text:?} is not a literal IP address"))
            })
        })
        .collect()
}

fn codecs(names: &[String]) -> PyResult<Codecs> {
    let mut codecs = Codecs {
        opus: false,
        red: false,
        vp8: false,
        h264: false,
        vp9: false,
        av1: false,
    };
    for name in names {
        match name.as_str() {
            "opus" => codecs.opus = true,
            "red" => codecs.red = true,
            "vp8" => codecs.vp8 = true,
            "h264" => codecs.h264 = true,
            "vp9" => codecs.vp9 = true,
            "av1" => codecs.av1 = true,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "codecs: {name:?} is not a codec the engine forwards"
                )));
            }
        }
    }
    Ok(codecs)
}

#[pymethods]
impl EngineConfig {
    #[new]
    #[pyo3(signature = (
        *,
        bind = None,
        udp_port = 7882,
        tcp_port = 7881,
        public_addresses = vec![],
        shards = 0,
        include_loopback = true,
        max_connections = 10_000,
        max_tracks_per_connection = 32,
        max_subscriptions_per_connection = 200,
        command_queue = 16_384,
        event_queue = 65_536,
        socket_buffer_bytes = 4_194_304,
        initial_estimate_bps = 1_500_000,
        max_estimate_bps = 20_000_000,
        stats_interval_ms = 1_000,
        speakers_interval_ms = 300,
        transport_timeout_ms = 20_000,
        codecs = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
    fn new(
        bind: Option<Vec<String>>,
        udp_port: i64,
        tcp_port: i64,
        public_addresses: Vec<String>,
        shards: usize,
        include_loopback: bool,
        max_connections: usize,
        max_tracks_per_connection: usize,
        max_subscriptions_per_connection: usize,
        command_queue: usize,
        event_queue: usize,
        socket_buffer_bytes: usize,
        initial_estimate_bps: u64,
        max_estimate_bps: u64,
        stats_interval_ms: u64,
        speakers_interval_ms: u64,
        transport_timeout_ms: u64,
        codecs: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let defaults = moot_net::EngineConfig::default();
        let tcp_port = match within("tcp_port", tcp_port, -1..=65_535)? {
            -1 => None,
            port => Some(port as u16),
        };
        let ms = Duration::from_millis;
        let config = moot_net::EngineConfig {
            bind: match bind {
                None => defaults.bind,
                Some(texts) => addresses("bind", &texts)?,
            },
            udp_port: within("udp_port", udp_port, 0..=65_535)? as u16,
            tcp_port,
            public_addresses: addresses("public_addresses", &public_addresses)?,
            shards: within("shards", shards, 0..=64)?,
            include_loopback,
            max_connections: within("max_connections", max_connections, 1..=1_000_000)?,
            max_tracks_per_connection: within(
                "max_tracks_per_connection",
                max_tracks_per_connection,
                1..=1_000,
            )?,
            max_subscriptions_per_connection: within(
                "max_subscriptions_per_connection",
                max_subscriptions_per_connection,
                1..=10_000,
            )?,
            command_queue: within("command_queue", command_queue, 16..=1_048_576)?,
            event_queue: within("event_queue", event_queue, 16..=16_777_216)?,
            socket_buffer_bytes: within(
                "socket_buffer_bytes",
                socket_buffer_bytes,
                4_096..=1_073_741_824,
            )?,
            initial_estimate_bps: within(
                "initial_estimate_bps",
                initial_estimate_bps,
                50_000..=1_000_000_000,
            )?,
            max_estimate_bps: within("max_estimate_bps", max_estimate_bps, 50_000..=1_000_000_000)?,
            stats_interval: ms(within(
                "stats_interval_ms",
                stats_interval_ms,
                200..=60_000,
            )?),
            speakers_interval: ms(within(
                "speakers_interval_ms",
                speakers_interval_ms,
                100..=5_000,
            )?),
            transport_timeout: ms(within(
                "transport_timeout_ms",
                transport_timeout_ms,
                1_000..=120_000,
            )?),
            codecs: match codecs {
                None => Codecs::default(),
                Some(names) => self::codecs(&names)?,
            },
        };
        Ok(Self { config })
    }
}

/// One encoding of a video track, as its publisher announced it.
#[pyclass(frozen, get_all, from_py_object, module = "moot._media")]
#[derive(Clone)]
pub(crate) struct Layer {
    quality: String,
    width: u32,
    height: u32,
    bitrate_bps: u64,
    rid: String,
    ssrc: u32,
}

#[pymethods]
impl Layer {
    #[new]
    #[pyo3(signature = (*, quality, width = 0, height = 0, bitrate_bps = 0, rid = String::new(), ssrc = 0))]
    fn new(
        quality: String,
        width: u32,
        height: u32,
        bitrate_bps: u64,
        rid: String,
        ssrc: u32,
    ) -> PyResult<Self> {
        words::quality(&quality)?;
        Ok(Self {
            quality,
            width,
            height,
            bitrate_bps,
            rid,
            ssrc,
        })
    }
}

impl Layer {
    pub(crate) fn spec(&self) -> PyResult<LayerSpec> {
        Ok(LayerSpec {
            quality: words::quality(&self.quality)?,
            width: self.width,
            height: self.height,
            bitrate_bps: self.bitrate_bps,
            rid: self.rid.clone(),
            ssrc: self.ssrc,
        })
    }
}
