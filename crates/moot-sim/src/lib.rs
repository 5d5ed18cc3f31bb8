//! What tests and the load program need in place of browsers and the Internet: sources shaped like
//! a camera's and a microphone's, a receiver that judges as strictly as a decoder, an endpoint of
//! WebRTC that sends the ones and feeds the other, and a network made of a seed.
//!
//! Nothing here reads a clock or opens a socket.

mod endpoint;
mod network;
mod receiver;
mod rng;
mod source;

pub use endpoint::{Depth, Endpoint, EndpointError, Flow, Outgoing, Tally};
pub use network::{Link, Network};
pub use receiver::{Report, Vp8Receiver};
pub use rng::Rng;
pub use source::{CameraShape, Frame, Label, OpusSource, Vp8Source, read_label};
