//! UDP sockets: batches in (recvmmsg), batches out (sendmmsg with segmentation offload).
//!
//! Each local address has a socket of its own, so where a datagram arrived and whence one leaves
//! needs no ancillary data. The datagrams of a frame for one subscriber have one size, come in one
//! piece, and leave as one message that the kernel (or the card) cuts up (`UDP_SEGMENT`).

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use moot_sfu::Transmit;

use crate::port;

/// Datagrams taken from a socket at once.
const BATCH_IN: usize = 64;
/// Largest datagram taken, bytes: an Ethernet frame's payload and some. Longer ones are cut off by
/// the kernel and then fail authentication.
const MAX_DATAGRAM: usize = 2_048;
/// Messages handed to the kernel at once.
const BATCH_OUT: usize = 256;
/// One bound UDP socket.
pub(crate) struct Socket {
    socket: UdpSocket,
    pub(crate) local: SocketAddr,
    /// Sizes the kernel granted, bytes.
    pub(crate) receive_buffer: usize,
    pub(crate) send_buffer: usize,
}

impl Socket {
    /// Binds a socket and asks for buffers of `buffer_bytes`.
    pub(crate) fn bind(address: SocketAddr, buffer_bytes: usize) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        let fd = socket.as_raw_fd();
        let receive_buffer = grow(fd, libc::SO_RCVBUF, libc::SO_RCVBUFFORCE, buffer_bytes);
        let send_buffer = grow(fd, libc::SO_SNDBUF, libc::SO_SNDBUFFORCE, buffer_bytes);
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            receive_buffer,
            send_buffer,
        })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn set_option(fd: RawFd, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the value is a C int that lives through the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Asks for a buffer, by force where that is allowed; returns what there is afterwards.
fn grow(fd: RawFd, name: i32, forced: i32, bytes: usize) -> usize {
    let wanted = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX / 2);
    if set_option(fd, libc::SOL_SOCKET, forced, wanted).is_err() {
        // What is granted is read back below; less than wanted is reported, not fatal.
        let _ = set_option(fd, libc::SOL_SOCKET, name, wanted);
    }
    let mut granted: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: both out-pointers live through the call and the length matches the value.
    unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            name,
            (&raw mut granted).cast(),
            &raw mut length,
        );
    }
    // socket(7): the kernel doubles what is asked, for its own bookkeeping.
    usize::try_from(granted).unwrap_or(0) / 2
}

/// Room for the datagrams of one batch.
pub(crate) struct Receiver {
    buffers: Vec<[u8; MAX_DATAGRAM]>,
    addresses: Vec<libc::sockaddr_storage>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            buffers: vec![[0; MAX_DATAGRAM]; BATCH_IN],
            // SAFETY: sockaddr_storage is plain old data, for which zeroes are valid.
            addresses: vec![unsafe { zeroed() }; BATCH_IN],
        }
    }

    /// Takes what waits, up to a batch, and hands each datagram with its sender to `take`. Returns
    /// whether the batch was full, so that more may wait.
    pub(crate) fn receive(
        &mut self,
        socket: &Socket,
        mut take: impl FnMut(SocketAddr, &[u8]),
    ) -> io::Result<bool> {
        let mut parts: Vec<libc::iovec> = self
            .buffers
            .iter_mut()
            .map(|buffer| libc::iovec {
                iov_base: buffer.as_mut_ptr().cast(),
                iov_len: MAX_DATAGRAM,
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = self
            .addresses
            .iter_mut()
            .zip(&mut parts)
            .map(|(address, part)| {
                // SAFETY: mmsghdr is plain old data, for which zeroes are valid.
                let mut message: libc::mmsghdr = unsafe { zeroed() };
                message.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
                message.msg_hdr.msg_namelen =
                    size_of::<libc::sockaddr_storage>() as libc::socklen_t;
                message.msg_hdr.msg_iov = part;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        // SAFETY: every pointer in the messages is into buffers, addresses and parts, which
        // outlive the call and are not touched during it.
        let received = unsafe {
            libc::recvmmsg(
                socket.fd(),
                messages.as_mut_ptr(),
                BATCH_IN as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                // ECONNREFUSED is an ICMP answer to something sent before: nobody's fault here.
                io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionRefused => Ok(false),
                _ => Err(error),
            };
        }
        let received = received as usize;
        let lengths = messages[..received]
            .iter()
            .map(|message| message.msg_len as usize);
        for ((length, address), buffer) in lengths.zip(&self.addresses).zip(&self.buffers) {
            if let Some(source) = from_storage(address) {
                take(source, &buffer[..length.min(MAX_DATAGRAM)]);
            }
        }
        Ok(received == BATCH_IN)
    }
}

/// Room for one control message that carries a segment size.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 24]);

/// Sends batches.
pub(crate) struct Sender {
    /// The kernel cuts messages up.
    pub(crate) uses_gso: bool,
    /// Datagrams that the kernel did not take.
    pub(crate) unsent: u64,
    addresses: Vec<libc::sockaddr_storage>,
    controls: Vec<Control>,
    parts: Vec<libc::iovec>,
    messages: Vec<libc::mmsghdr>,
    /// Of each message: the size of its datagrams but the last, bytes.
    segment_sizes: Vec<usize>,
}

impl Sender {
    /// Makes a sender; whether the kernel can cut messages up is tried on `socket`.
    pub(crate) fn new(socket: Option<&Socket>) -> Self {
        let uses_gso = socket.is_some_and(|socket| {
            // Linux 4.18; the option set on the socket to 0 changes nothing.
            set_option(socket.fd(), libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
        });
        Self {
            uses_gso,
            unsent: 0,
            addresses: Vec::new(),
            controls: Vec::new(),
            parts: Vec::new(),
            messages: Vec::new(),
            segment_sizes: Vec::new(),
        }
    }

    /// Sends datagrams, in order, from `socket`. What the kernel does not take at once is lost, as
    /// it would be in the network: waiting would delay every other subscriber.
    pub(crate) fn send(&mut self, socket: &Socket, transmits: &[Transmit]) {
        let mut rest = transmits;
        while !rest.is_empty() {
            let taken = self.prepare(rest);
            self.hand_over(socket);
            rest = &rest[taken..];
        }
    }

    /// Makes messages of transmits from the start; returns of how many.
    fn prepare(&mut self, transmits: &[Transmit]) -> usize {
        self.addresses.clear();
        self.controls.clear();
        self.parts.clear();
        self.segment_sizes.clear();
        let mut taken = 0;
        for transmit in transmits {
            if self.parts.len() >= BATCH_OUT {
                break;
            }
            taken += 1;
            let address = to_storage(transmit.destination);
            if self.uses_gso {
                self.push(address, &transmit.contents, transmit.segment_size);
            } else {
                for datagram in transmit.datagrams() {
                    self.push(address, datagram, datagram.len());
                }
            }
        }
        self.link();
        taken
    }

    fn push(&mut self, address: libc::sockaddr_storage, contents: &[u8], segment_size: usize) {
        self.addresses.push(address);
        // What is longer than a segment size can say is one datagram.
        self.controls
            .push(segment_control(u16::try_from(segment_size).unwrap_or(0)));
        self.parts.push(libc::iovec {
            iov_base: contents.as_ptr().cast_mut().cast(),
            iov_len: contents.len(),
        });
        self.segment_sizes.push(segment_size);
    }

    /// Points the messages at the gathered parts; from here the vectors must not grow.
    fn link(&mut self) {
        self.messages.clear();
        for (at, part) in self.parts.iter_mut().enumerate() {
            // SAFETY: mmsghdr is plain old data, for which zeroes are valid.
            let mut message: libc::mmsghdr = unsafe { zeroed() };
            let header = &mut message.msg_hdr;
            header.msg_name = (&raw mut self.addresses[at]).cast();
            header.msg_namelen = storage_length(&self.addresses[at]);
            header.msg_iov = &raw mut *part;
            header.msg_iovlen = 1;
            if part.iov_len > self.segment_sizes[at] {
                header.msg_control = self.controls[at].0.as_mut_ptr().cast();
                header.msg_controllen = control_space() as _;
            }
            self.messages.push(message);
        }
    }

    /// How many datagrams a message holds.
    fn count(&self, message: usize) -> usize {
        let size = self.segment_sizes[message].max(1);
        self.parts[message].iov_len.div_ceil(size)
    }

    fn hand_over(&mut self, socket: &Socket) {
        let mut sent = 0;
        while sent < self.messages.len() {
            // SAFETY: the messages point into addresses, controls and parts, and these into the
            // caller's transmits; all live through the call and none is changed during it.
            let result = unsafe {
                libc::sendmmsg(
                    socket.fd(),
                    self.messages[sent..].as_mut_ptr(),
                    (self.messages.len() - sent) as u32,
                    libc::MSG_DONTWAIT,
                )
            };
            if result > 0 {
                sent += result as usize;
                continue;
            }
            // The message at `sent` was refused; the others still stand a chance.
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EINVAL | libc::EIO | libc::ENOPROTOOPT | libc::EOPNOTSUPP)
                    if self.count(sent) > 1 =>
                {
                    // No offload on this path after all (an old card, a tunnel): cut up by hand.
                    self.uses_gso = false;
                    self.send_singly(socket, sent);
                    sent += 1;
                }
                Some(libc::EAGAIN | libc::ENOBUFS) => {
                    let left: usize = (sent..self.messages.len()).map(|at| self.count(at)).sum();
                    self.unsent += left as u64;
                    return;
                }
                _ => {
                    self.unsent += self.count(sent) as u64;
                    sent += 1;
                }
            }
        }
    }

    fn send_singly(&mut self, socket: &Socket, message: usize) {
        let part = self.parts[message];
        let size = self.segment_sizes[message].max(1);
        for start in (0..part.iov_len).step_by(size) {
            // SAFETY: the piece is within the part, which is alive through the call like the
            // address.
            let result = unsafe {
                libc::sendto(
                    socket.fd(),
                    part.iov_base.byte_add(start),
                    size.min(part.iov_len - start),
                    libc::MSG_DONTWAIT,
                    (&raw const self.addresses[message]).cast(),
                    storage_length(&self.addresses[message]),
                )
            };
            if result < 0 {
                self.unsent += 1;
            }
        }
    }
}

// SAFETY: the pointers in parts and messages are only followed within `send`, which links them anew.
unsafe impl Send for Sender {}

fn control_space() -> usize {
    // SAFETY: CMSG_SPACE only computes.
    unsafe { libc::CMSG_SPACE(size_of::<u16>() as u32) as usize }
}

fn segment_control(size: u16) -> Control {
    let mut control = Control([0; 24]);
    debug_assert!(control_space() <= control.0.len());
    let header = libc::cmsghdr {
        // SAFETY: CMSG_LEN only computes.
        cmsg_len: unsafe { libc::CMSG_LEN(size_of::<u16>() as u32) } as _,
        cmsg_level: libc::SOL_UDP,
        cmsg_type: libc::UDP_SEGMENT,
    };
    // SAFETY: the buffer is aligned and large enough for the header and two bytes after it, which
    // is what CMSG_SPACE of two bytes asks for.
    unsafe {
        let place = control.0.as_mut_ptr().cast::<libc::cmsghdr>();
        place.write(header);
        libc::CMSG_DATA(place).cast::<u16>().write_unaligned(size);
    }
    control
}

fn from_storage(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in, which fits the storage.
            let v4 = unsafe { &*std::ptr::from_ref(storage).cast::<libc::sockaddr_in>() };
            let address = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(address, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6, which fits the storage.
            let v6 = unsafe { &*std::ptr::from_ref(storage).cast::<libc::sockaddr_in6>() };
            let address = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(address, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn to_storage(address: SocketAddr) -> libc::sockaddr_storage {
    // SAFETY: sockaddr_storage is plain old data, for which zeroes are valid.
    let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
    let place = &raw mut storage;
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: sockaddr_in fits the storage, which is aligned for every address type.
            let raw = unsafe { &mut *place.cast::<libc::sockaddr_in>() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from(*v4.ip()).to_be();
        }
        SocketAddr::V6(v6) => {
            // SAFETY: sockaddr_in6 fits the storage, which is aligned for every address type.
            let raw = unsafe { &mut *place.cast::<libc::sockaddr_in6>() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = v6.port().to_be();
            raw.sin6_addr.s6_addr = v6.ip().octets();
            raw.sin6_scope_id = v6.scope_id();
        }
    }
    storage
}

fn storage_length(storage: &libc::sockaddr_storage) -> libc::socklen_t {
    match i32::from(storage.ss_family) {
        libc::AF_INET => size_of::<libc::sockaddr_in>() as libc::socklen_t,
        _ => size_of::<libc::sockaddr_in6>() as libc::socklen_t,
    }
}

/// Opens a socket on each address, all on one port.
pub(crate) fn bind_all(
    addresses: &[IpAddr],
    port: u16,
    buffer_bytes: usize,
) -> io::Result<Vec<Socket>> {
    port::bind_all(
        addresses,
        port,
        |address| Socket::bind(address, buffer_bytes),
        |socket| Ok(socket.local.port()),
    )
}

#[cfg(test)]
mod tests {
    use moot_sfu::Path;

    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
    }

    /// Runs of datagrams, each of one size but for its last.
    fn transmits(destination: SocketAddr, runs: &[&[usize]]) -> Vec<Transmit> {
        runs.iter()
            .enumerate()
            .map(|(at, sizes)| Transmit {
                path: Path::Udp,
                source: local(0),
                destination,
                contents: vec![at as u8; sizes.iter().sum()],
                segment_size: sizes[0],
            })
            .collect()
    }

    fn received(receiver: &mut Receiver, socket: &Socket) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while receiver
            .receive(socket, |_, contents| all.push(contents.to_vec()))
            .unwrap()
        {}
        all
    }

    #[test]
    fn datagrams_arrive_as_they_were_cut_with_and_without_offload() {
        let from = Socket::bind(local(0), 1 << 20).unwrap();
        let to = Socket::bind(local(0), 1 << 20).unwrap();
        let datagrams = transmits(
            to.local,
            &[&[1_100; 50], &[1_100, 1_100, 900], &[60], &[1_200, 60]],
        );
        let mut receiver = Receiver::new();
        for uses_gso in [true, false] {
            let mut sender = Sender::new(Some(&from));
            sender.uses_gso &= uses_gso;
            sender.send(&from, &datagrams);
            assert_eq!(sender.unsent, 0);
            let arrived = received(&mut receiver, &to);
            let expected: Vec<Vec<u8>> = datagrams
                .iter()
                .flat_map(|transmit| transmit.datagrams().map(<[u8]>::to_vec))
                .collect();
            assert_eq!(expected.len(), 56);
            assert_eq!(arrived, expected);
        }
    }

    #[test]
    fn one_refused_datagram_does_not_hold_up_the_others() {
        let from = Socket::bind(local(0), 1 << 20).unwrap();
        let to = Socket::bind(local(0), 1 << 20).unwrap();
        let mut datagrams = transmits(to.local, &[&[50], &[60]]);
        // Port 0 cannot be sent to.
        datagrams.insert(1, transmits(local(0), &[&[70]]).remove(0));
        let mut sender = Sender::new(Some(&from));
        sender.send(&from, &datagrams);
        assert_eq!(sender.unsent, 1);
        assert_eq!(received(&mut Receiver::new(), &to).len(), 2);
    }
}
