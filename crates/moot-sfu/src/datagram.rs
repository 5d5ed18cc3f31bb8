//! What comes from and goes to the network, before anyone knows whose it is.

use std::net::SocketAddr;

use str0m::net::Protocol;

/// What a transport's packets travel over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Path {
    /// UDP.
    Udp,
    /// TCP with the framing of RFC 4571.
    Tcp,
}

impl Path {
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Path::Udp => Protocol::Udp,
            Path::Tcp => Protocol::Tcp,
        }
    }
}

impl From<Protocol> for Path {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Udp => Path::Udp,
            Protocol::Tcp | Protocol::SslTcp | Protocol::Tls => Path::Tcp,
        }
    }
}

/// A received datagram, or one frame of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What it came over.
    pub path: Path,
    /// The sender's address.
    pub source: SocketAddr,
    /// The local address it arrived at: never a wildcard.
    pub destination: SocketAddr,
    /// The bytes.
    pub contents: &'a [u8],
}

/// Datagrams to send, or frames for a TCP connection: all but the last of one size.
#[derive(Debug)]
pub struct Transmit {
    /// What to send it over.
    pub path: Path,
    /// The local address to send from.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// The bytes of all, one datagram after the other.
    pub contents: Vec<u8>,
    /// The size of each but the last, bytes; the last may be shorter.
    pub segment_size: usize,
}

impl Transmit {
    /// The datagrams, in order.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.contents.chunks(self.segment_size.max(1))
    }
}

/// The protocols that share one port, told apart by their first bytes (RFC 7983 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// STUN request (RFC 8489).
    StunRequest,
    /// STUN success or error response.
    StunResponse,
    /// DTLS record.
    Dtls,
    /// RTP.
    Rtp,
    /// RTCP.
    Rtcp,
    /// None of these.
    Unknown,
}

/// Tells the protocols of one port apart (RFC 7983 §7; RTP and RTCP: RFC 5761 §4).
pub fn classify(contents: &[u8]) -> Class {
    match contents.first() {
        Some(0..=3) if contents.len() >= 20 => {
            // RFC 8489 §5: the class bits of the message type are 0x0110.
            match (contents[0] & 0x01, contents[1] & 0x10) {
                (0, 0) => Class::StunRequest,
                (1, _) => Class::StunResponse,
                _ => Class::Unknown,
            }
        }
        Some(20..=63) if contents.len() >= 13 => Class::Dtls,
        Some(128..=191) if contents.len() >= 12 => match contents[1] {
            192..=223 => Class::Rtcp,
            _ => Class::Rtp,
        },
        _ => Class::Unknown,
    }
}

/// Longest local user name fragment that is looked up, bytes; ours have 16.
const MAX_UFRAG: usize = 64;

/// Finds the local user name fragment in a STUN message: what stands before the colon of USERNAME
/// (RFC 8445 §7.2.2). Checks lengths, not integrity.
pub fn local_ufrag(contents: &[u8]) -> Option<&str> {
    const USERNAME: u16 = 0x0006;
    let length = usize::from(u16::from_be_bytes([*contents.get(2)?, *contents.get(3)?]));
    let mut attributes = contents.get(20..20 + length)?;
    while attributes.len() >= 4 {
        let kind = u16::from_be_bytes([attributes[0], attributes[1]]);
        let size = usize::from(u16::from_be_bytes([attributes[2], attributes[3]]));
        let value = attributes.get(4..4 + size)?;
        if kind == USERNAME {
            let colon = value.iter().position(|&byte| byte == b':')?;
            return (1..=MAX_UFRAG)
                .contains(&colon)
                .then(|| std::str::from_utf8(&value[..colon]).ok())?;
        }
        attributes = attributes.get(4 + size.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding_request(username: &[u8]) -> Vec<u8> {
        let padded = username.len().next_multiple_of(4);
        let mut message = vec![0x00, 0x01];
        message.extend(((4 + padded) as u16).to_be_bytes());
        message.extend([0x21, 0x12, 0xa4, 0x42]);
        message.extend([7; 12]);
        message.extend([0x00, 0x06]);
        message.extend((username.len() as u16).to_be_bytes());
        message.extend(username);
        message.resize(20 + 4 + padded, 0);
        message
    }

    #[test]
    fn the_local_fragment_is_before_the_colon() {
        let request = binding_request(b"ours:theirs");
        assert_eq!(classify(&request), Class::StunRequest);
        assert_eq!(local_ufrag(&request), Some("ours"));
        assert_eq!(local_ufrag(&binding_request(b"no colon")), None);
        assert_eq!(local_ufrag(&binding_request(b":theirs")), None);
        assert_eq!(local_ufrag(&binding_request(&[b'a'; 100])), None);
    }

    #[test]
    fn a_truncated_message_has_no_fragment() {
        let request = binding_request(b"ours:theirs");
        for length in 0..request.len() {
            assert_eq!(local_ufrag(&request[..length]), None);
        }
    }

    #[test]
    fn the_protocols_are_told_apart() {
        let mut response = binding_request(b"a:b");
        response[0] = 0x01;
        assert_eq!(classify(&response), Class::StunResponse);
        let mut dtls = [0; 13];
        dtls[0] = 22;
        assert_eq!(classify(&dtls), Class::Dtls);
        let mut rtp = [0; 12];
        rtp[0] = 0x80;
        rtp[1] = 111;
        assert_eq!(classify(&rtp), Class::Rtp);
        rtp[1] = 201;
        assert_eq!(classify(&rtp), Class::Rtcp);
        assert_eq!(classify(&[]), Class::Unknown);
        assert_eq!(classify(&[0x80; 4]), Class::Unknown);
        assert_eq!(classify(&[255; 40]), Class::Unknown);
    }
}
