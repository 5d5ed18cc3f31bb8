//! A transport of one participant with the socket it owns.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::net::UdpSocket;
use moot_sim::{Depth, Endpoint};

const RECEIVE_BYTES: usize = 2048;

/// A WebRTC endpoint and its socket.
pub struct Transport {
    /// The WebRTC endpoint.
    pub endpoint: Endpoint,
    /// Its socket.
    pub udp: UdpSocket,
}

impl Transport {
    /// Opens a transport on a free port of `address`.
    ///
    /// # Errors
    ///
    /// A sentence that says what could not be opened.
    pub fn open(address: IpAddr, now: Instant) -> Result<Self, String> {
        let udp = UdpSocket::bind(SocketAddr::from((address, 0)))
            .map_err(|error| format!("UDP socket: {error}"))?;
        let address = udp.local_addr().map_err(|error| error.to_string())?;
        let endpoint =
            Endpoint::new(address, Depth::Count, now).map_err(|error| error.to_string())?;
        Ok(Self { endpoint, udp })
    }

    /// Takes in everything that has come.
    ///
    /// # Errors
    ///
    /// The transport broke.
    pub fn receive(&mut self) -> Result<(), String> {
        let mut buffer = [0; RECEIVE_BYTES];
        loop {
            match self.udp.recv_from(&mut buffer) {
                Ok((length, source)) => self
                    .endpoint
                    .handle_datagram(source, &buffer[..length], Instant::now())
                    .map_err(|error| error.to_string())?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // A server that closed its port answers with ICMP; the next datagram may still do.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(format!("UDP socket: {error}")),
            }
        }
    }

    /// Sends what waits; what the system does not take is lost, as on any network.
    pub fn send(&mut self) {
        while let Some(outgoing) = self.endpoint.poll_outgoing() {
            let _lost = self.udp.send_to(&outgoing.contents, outgoing.destination);
        }
    }
}
