//! ICE-TCP: passive candidates (RFC 6544) with the framing of RFC 4571, for networks without UDP.
//!
//! One shard listens. A client's first frame is a STUN request, whose user name says which shard
//! its transport is on; the connection then moves there.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use crate::port;

/// Largest frame taken, bytes.
const MAX_FRAME: usize = 2_048;
/// Most bytes that wait to be written; frames beyond it are dropped, as a full link would.
const MAX_UNWRITTEN: usize = 512 * 1024;
/// Most connections of one shard.
const MAX_STREAMS: usize = 4_096;
/// Connections at once that have proven nothing. Each is looked at in every turn, so more lets
/// strangers cost a shard more; fewer turns people away who come in a crowd.
const MAX_UNPROVEN: usize = 512;
/// The same of one address, behind which a whole office may be.
const MAX_UNPROVEN_OF_ONE: usize = 64;
/// How long a connection may take to show a transport's password.
const PROOF_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes read from one connection before the next has its turn.
const READ_SHARE: usize = 64 * 1024;

/// One TCP connection.
pub(crate) struct Stream {
    socket: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    opened_at: Instant,
    unread: Vec<u8>,
    unwritten: VecDeque<u8>,
    is_proven: bool,
}

impl Stream {
    fn new(socket: TcpStream, peer: SocketAddr, now: Instant) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            peer,
            opened_at: now,
            unread: Vec::new(),
            unwritten: VecDeque::new(),
            is_proven: false,
        })
    }

    fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Reads what there is; `false` if the connection is at its end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let mut share = READ_SHARE;
        while share > 0 {
            match self.socket.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    self.unread.extend_from_slice(&buffer[..length]);
                    share = share.saturating_sub(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Takes the complete frames that have been read; `None` if one is too long to be ours.
    fn frames(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(header) = self.unread.get(at..at + 2) {
            let length = usize::from(u16::from_be_bytes([header[0], header[1]]));
            if length > MAX_FRAME {
                return None;
            }
            let Some(frame) = self.unread.get(at + 2..at + 2 + length) else {
                break;
            };
            frames.push(frame.to_vec());
            at += 2 + length;
        }
        self.unread.drain(..at);
        Some(frames)
    }

    /// Queues a frame; `false` if there is no room.
    fn queue(&mut self, contents: &[u8]) -> bool {
        let Ok(length) = u16::try_from(contents.len()) else {
            return false;
        };
        if self.unwritten.len() + contents.len() > MAX_UNWRITTEN {
            return false;
        }
        self.unwritten.extend(length.to_be_bytes());
        self.unwritten.extend(contents);
        true
    }

    /// Writes what waits; `false` if the connection is broken.
    fn flush(&mut self) -> bool {
        while !self.unwritten.is_empty() {
            let (front, _) = self.unwritten.as_slices();
            match self.socket.write(front) {
                Ok(0) => return false,
                Ok(length) => {
                    self.unwritten.drain(..length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// Opens a listener on each address, all on one port.
pub(crate) fn listen(addresses: &[IpAddr], port: u16) -> io::Result<Vec<TcpListener>> {
    let bind = |address| {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    port::bind_all(addresses, port, bind, |listener: &TcpListener| {
        Ok(listener.local_addr()?.port())
    })
}

/// The TCP connections of one shard.
#[derive(Default)]
pub(crate) struct Streams {
    listeners: Vec<TcpListener>,
    streams: HashMap<SocketAddr, Stream>,
}

impl Streams {
    pub(crate) fn new(listeners: Vec<TcpListener>) -> Self {
        Self {
            listeners,
            streams: HashMap::new(),
        }
    }

    /// The descriptors to watch, with what for.
    pub(crate) fn watch(&self, watched: &mut Vec<libc::pollfd>) {
        for listener in &self.listeners {
            watched.push(libc::pollfd {
                fd: listener.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            });
        }
        for stream in self.streams.values() {
            let writes = if stream.unwritten.is_empty() {
                0
            } else {
                libc::POLLOUT
            };
            watched.push(libc::pollfd {
                fd: stream.fd(),
                events: libc::POLLIN | writes,
                revents: 0,
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.streams.is_empty()
    }

    /// Accepts who waits, as long as there is room for who has proven nothing yet.
    pub(crate) fn accept(&mut self, now: Instant) {
        for at in 0..self.listeners.len() {
            while let Ok((socket, peer)) = self.listeners[at].accept() {
                if self.has_room(peer)
                    && let Ok(stream) = Stream::new(socket, peer, now)
                {
                    self.streams.insert(peer, stream);
                }
            }
        }
    }

    fn has_room(&self, peer: SocketAddr) -> bool {
        let (mut unproven, mut of_peer) = (0, 0);
        for stream in self.streams.values().filter(|stream| !stream.is_proven) {
            unproven += 1;
            of_peer += usize::from(stream.peer.ip() == peer.ip());
        }
        self.streams.len() < MAX_STREAMS && unproven < MAX_UNPROVEN && of_peer < MAX_UNPROVEN_OF_ONE
    }

    /// Takes over a connection that another shard accepted.
    pub(crate) fn adopt(&mut self, stream: Stream) {
        if self.streams.len() < MAX_STREAMS {
            self.streams.insert(stream.peer, stream);
        }
    }

    /// Hands out a connection to another shard.
    pub(crate) fn release(&mut self, peer: SocketAddr) -> Option<Stream> {
        self.streams.remove(&peer)
    }

    /// Reads from every connection and returns the frames, with their connection's addresses.
    /// Closes what has ended and what does not speak the framing.
    pub(crate) fn receive(&mut self) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        let mut received = Vec::new();
        self.streams.retain(|&peer, stream| {
            let goes_on = stream.read();
            let Some(frames) = stream.frames() else {
                return false;
            };
            let local = stream.local;
            received.extend(frames.into_iter().map(|frame| (peer, local, frame)));
            goes_on
        });
        received
    }

    /// Sends a frame; `false` if there is no such connection or no room.
    pub(crate) fn send(&mut self, peer: SocketAddr, contents: &[u8]) -> bool {
        self.streams
            .get_mut(&peer)
            .is_some_and(|stream| stream.queue(contents))
    }

    /// Writes what waits, and closes what is broken or has not proven itself in time.
    pub(crate) fn flush(&mut self, now: Instant, is_wanted: impl Fn(SocketAddr) -> bool) {
        self.streams.retain(|&peer, stream| {
            if !stream.is_proven {
                stream.is_proven = is_wanted(peer);
                let age = now.saturating_duration_since(stream.opened_at);
                if !stream.is_proven && age > PROOF_TIMEOUT {
                    return false;
                }
            }
            stream.flush()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Streams, TcpStream) {
        let listeners = listen(&[std::net::Ipv4Addr::LOCALHOST.into()], 0).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let mut streams = Streams::new(listeners);
        while streams.streams.is_empty() {
            streams.accept(Instant::now());
        }
        (streams, client)
    }

    fn receive(streams: &mut Streams, frames: usize) -> Vec<Vec<u8>> {
        let mut received = Vec::new();
        while received.len() < frames {
            received.extend(streams.receive().into_iter().map(|(_, _, frame)| frame));
        }
        received
    }

    #[test]
    fn frames_are_whole_however_they_are_cut() {
        let (mut streams, mut client) = pair();
        client
            .write_all(&[0, 3, b'a', b'b', b'c', 0, 2, b'd'])
            .unwrap();
        assert_eq!(receive(&mut streams, 1), [b"abc".to_vec()]);
        client.write_all(b"e").unwrap();
        assert_eq!(receive(&mut streams, 1), [b"de".to_vec()]);
        let peer = client.local_addr().unwrap();
        assert!(streams.send(peer, b"xyz"));
        streams.flush(Instant::now(), |_| true);
        let mut frame = [0; 5];
        client.read_exact(&mut frame).unwrap();
        assert_eq!(&frame, b"\0\x03xyz");
    }

    #[test]
    fn who_does_not_speak_the_framing_is_closed() {
        let (mut streams, mut client) = pair();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        while !streams.streams.is_empty() {
            streams.receive();
        }
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn who_proves_nothing_is_closed_after_a_while() {
        let (mut streams, client) = pair();
        let now = Instant::now();
        streams.flush(now, |_| false);
        assert_eq!(streams.streams.len(), 1);
        streams.flush(now + PROOF_TIMEOUT * 2, |_| false);
        assert!(streams.streams.is_empty());
        drop(client);
    }

    #[test]
    fn strangers_of_one_address_leave_room_for_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let mut streams = Streams::new(vec![listener]);
        let connect = || TcpStream::connect(address).unwrap();
        let now = Instant::now();
        let strangers: Vec<_> = (0..MAX_UNPROVEN_OF_ONE + 20).map(|_| connect()).collect();
        streams.accept(now);
        assert_eq!(streams.streams.len(), MAX_UNPROVEN_OF_ONE);
        streams.flush(now, |_| true);
        let people: Vec<_> = (0..20).map(|_| connect()).collect();
        streams.accept(now);
        assert_eq!(streams.streams.len(), MAX_UNPROVEN_OF_ONE + 20);
        drop((strangers, people));
    }

    #[test]
    fn a_slow_reader_does_not_grow_the_queue() {
        let (mut streams, client) = pair();
        let peer = client.local_addr().unwrap();
        let frame = [0; 1_200];
        let taken = (0..10_000).filter(|_| streams.send(peer, &frame)).count();
        assert!(taken * frame.len() <= MAX_UNWRITTEN);
    }
}
