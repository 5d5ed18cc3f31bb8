//! The words of the seam: what Python's literals mean here.

use moot_sfu::{DataKind, Kind, Mode, Path, Quality, Source, Sources, TransportName};
use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, PyResult};

fn unknown(what: &str, word: &str) -> PyErr {
    PyValueError::new_err(format!("{word:?} is no {what}"))
}

pub(crate) fn mode(word: &str) -> PyResult<Mode> {
    match word {
        "single" => Ok(Mode::Single),
        "dual" => Ok(Mode::Dual),
        _ => Err(unknown("mode", word)),
    }
}

pub(crate) fn transport(word: &str) -> PyResult<TransportName> {
    match word {
        "publisher" => Ok(TransportName::Publisher),
        "subscriber" => Ok(TransportName::Subscriber),
        _ => Err(unknown("transport", word)),
    }
}

pub(crate) fn transport_word(name: TransportName) -> &'static str {
    match name {
        TransportName::Publisher => "publisher",
        TransportName::Subscriber => "subscriber",
    }
}

pub(crate) fn kind(word: &str) -> PyResult<Kind> {
    match word {
        "audio" => Ok(Kind::Audio),
        "video" => Ok(Kind::Video),
        _ => Err(unknown("kind", word)),
    }
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    }
}

pub(crate) fn source(word: &str) -> PyResult<Source> {
    match word {
        "camera" => Ok(Source::Camera),
        "microphone" => Ok(Source::Microphone),
        "screen" => Ok(Source::Screen),
        "screen_audio" => Ok(Source::ScreenAudio),
        "unknown" => Ok(Source::Unknown),
        _ => Err(unknown("source", word)),
    }
}

/// `None` allows every source.
pub(crate) fn sources(words: Option<Vec<String>>) -> PyResult<Sources> {
    match words {
        None => Ok(Sources::ALL),
        Some(words) => words.iter().map(|word| source(word)).collect(),
    }
}

pub(crate) fn quality(word: &str) -> PyResult<Quality> {
    match word {
        "low" => Ok(Quality::Low),
        "medium" => Ok(Quality::Medium),
        "high" => Ok(Quality::High),
        _ => Err(unknown("quality", word)),
    }
}

pub(crate) fn quality_word(quality: Quality) -> &'static str {
    match quality {
        Quality::Low => "low",
        Quality::Medium => "medium",
        Quality::High => "high",
    }
}

pub(crate) fn data_kind(word: &str) -> PyResult<DataKind> {
    match word {
        "reliable" => Ok(DataKind::Reliable),
        "lossy" => Ok(DataKind::Lossy),
        _ => Err(unknown("kind of data", word)),
    }
}

pub(crate) fn data_word(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Reliable => "reliable",
        DataKind::Lossy => "lossy",
    }
}

pub(crate) fn path_word(path: Option<Path>) -> &'static str {
    match path {
        Some(Path::Udp) => "udp",
        Some(Path::Tcp) => "tcp",
        None => "",
    }
}
