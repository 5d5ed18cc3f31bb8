//! The media core as Python sees it: `moot._media`, described by `src/moot/_media.pyi`.
//!
//! Thin: values are converted, nothing is decided, and no media thread ever touches the
//! interpreter.

mod config;
mod engine;
mod event;
mod stats;
mod words;

/// The media core of moot.
#[pyo3::pymodule(name = "_media", gil_used = true)]
mod module {
    #[pymodule_export]
    use super::config::{EngineConfig, Layer};
    #[pymodule_export]
    use super::engine::{Engine, EngineClosed, QueueFull};
    #[pymodule_export]
    use super::event::{
        Answer, CodecUnsupported, ConnectionFailed, DataReceived, Offer, QualityChanged,
        RequestDone, RequestFailed, SectionsNeeded, ShardFailed, Speaker, SpeakersChanged,
        StreamStateChanged, SubscribedQualityChanged, TrackPublished, TrackUnpublished,
        TransportStateChanged,
    };
    #[pymodule_export]
    use super::stats::{EngineStats, TrackStats, TransportStats};

    /// Version of the media core.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "named as Python names it")]
    const version: &str = env!("CARGO_PKG_VERSION");
}
