//! One port on several addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

/// How often the system may choose again: what is free on one address may be taken on another.
const TRIES: usize = 16;

/// Binds every address to one port: to `port`, or where that is 0 to one that the system chooses
/// for the first of them.
///
/// # Errors
///
/// The operating system's: the port is taken, or none that it has chosen is free everywhere.
pub(crate) fn bind_all<S>(
    addresses: &[IpAddr],
    port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    port_of: impl Fn(&S) -> io::Result<u16>,
) -> io::Result<Vec<S>> {
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_once(addresses, port, &bind, &port_of) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            done => return done,
        }
    }
}

fn bind_once<S>(
    addresses: &[IpAddr],
    port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    port_of: impl Fn(&S) -> io::Result<u16>,
) -> io::Result<Vec<S>> {
    let mut bound: Vec<S> = Vec::new();
    for &address in addresses {
        let port = match (port, bound.first()) {
            (0, Some(first)) => port_of(first)?,
            _ => port,
        };
        bound.push(bind(SocketAddr::new(address, port))?);
    }
    Ok(bound)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const BOTH: [IpAddr; 2] = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];

    /// Binds as a system that chooses 1001, 1002, and so on, of which those below `free` are taken
    /// on IPv6.
    fn bind(port: u16, free: u16) -> (io::Result<Vec<SocketAddr>>, u16) {
        let chosen = Cell::new(1_000);
        let bind = |mut address: SocketAddr| {
            if address.port() == 0 {
                chosen.set(chosen.get() + 1);
                address.set_port(chosen.get());
            }
            if address.is_ipv6() && address.port() < free {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            Ok(address)
        };
        let bound = bind_all(&BOTH, port, bind, |address| Ok(address.port()));
        (bound, chosen.get())
    }

    #[test]
    fn a_port_that_is_taken_on_one_address_is_chosen_again() {
        let (bound, chosen) = bind(0, 1_004);
        let ports: Vec<_> = bound.unwrap().iter().map(SocketAddr::port).collect();
        assert_eq!((ports, chosen), (vec![1_004, 1_004], 1_004));
    }

    #[test]
    fn choosing_again_has_an_end() {
        let (bound, chosen) = bind(0, u16::MAX);
        assert_eq!(bound.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(chosen, 1_000 + TRIES as u16);
    }

    #[test]
    fn a_port_that_was_named_is_that_one_or_none() {
        assert_eq!(bind(900, 800).0.unwrap()[1].port(), 900);
        assert!(bind(900, 901).0.is_err());
    }
}
