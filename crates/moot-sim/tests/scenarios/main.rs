//! What the SFU does for people on real networks, simulated.

mod bandwidth;
mod chance;
mod hostile;
mod lifecycle;
mod loss;
mod seeds;
mod world;
