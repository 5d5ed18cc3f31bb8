//! Sockets, threads and the clock of the media core: the only room of it that does IO.
//!
//! An [`Engine`] runs one [`moot_sfu::Sfu`] per shard, each on a thread of its own with UDP ports
//! of its own, and a meeting lives on one shard: a packet never changes thread and nothing on its
//! way takes a lock. Commands come through a bounded queue per shard, events leave through one
//! queue with a descriptor that turns readable.

mod address;
mod config;
mod directory;
mod engine;
mod port;
mod queue;
mod shard;
mod tcp;
mod udp;
mod wake;

pub use config::EngineConfig;
pub use engine::{Engine, EngineTotals, SubmitError};
pub use queue::EngineEvent;
