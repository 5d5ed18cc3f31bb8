//! The send side of a transport, without sockets, threads or a clock: what a subscriber is sent is
//! numbered, protected, paced, kept for a while and sent again where it was lost; what the
//! subscriber reports becomes an estimate of what the path carries.

mod batch;
mod egress;
mod estimator;
mod header;
mod history;
mod ledger;
mod pacer;
mod packet;
mod rtcp;
mod srtp;
mod stream;

pub use batch::{Batch, Run};
pub use egress::{Concerns, Egress, EgressConfig};
pub use header::ExtensionIds;
pub use packet::Packet;
pub use srtp::{Keys, Profile};
pub use stream::{StreamFigures, StreamSpec};
