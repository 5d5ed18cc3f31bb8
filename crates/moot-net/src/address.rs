//! The machine's own addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most addresses that are handed out. Each adds a candidate to every description and pairs to
/// every ICE check list (RFC 8445 §6.1.2.5 caps those at 100).
const MAX_ADDRESSES: usize = 12;

/// Returns the addresses to listen on: `bind` with each unspecified address replaced by the
/// machine's own of that family, link-local ones left out.
///
/// # Errors
///
/// The operating system's, if it cannot list its interfaces.
pub(crate) fn resolve(bind: &[IpAddr], include_loopback: bool) -> io::Result<Vec<IpAddr>> {
    let own = interfaces()?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for wanted in bind {
        if wanted.is_unspecified() {
            addresses.extend(own.iter().filter(|address| {
                address.is_ipv4() == wanted.is_ipv4()
                    && (include_loopback || !address.is_loopback())
            }));
        } else {
            addresses.push(*wanted);
        }
    }
    // Loopback last: it is the least likely to be of use, and only to this machine.
    addresses.sort_by_key(IpAddr::is_loopback);
    let mut unique: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    if unique.len() > MAX_ADDRESSES {
        let loopback: Vec<IpAddr> = unique.iter().copied().filter(IpAddr::is_loopback).collect();
        unique.retain(|address| !address.is_loopback());
        unique.truncate(MAX_ADDRESSES.saturating_sub(loopback.len()));
        unique.extend(loopback);
    }
    Ok(unique)
}

fn interfaces() -> io::Result<Vec<IpAddr>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs writes a list to the pointer it is given, or fails.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut addresses = Vec::new();
    let mut next = list;
    while !next.is_null() {
        // SAFETY: a non-null element of the list from getifaddrs, which is freed only below.
        let entry = unsafe { &*next };
        next = entry.ifa_next;
        let is_up = entry.ifa_flags & libc::IFF_UP as u32 != 0;
        if entry.ifa_addr.is_null() || !is_up {
            continue;
        }
        // SAFETY: ifa_addr is not null, and its family says which structure it is.
        let address: IpAddr = unsafe {
            match i32::from((*entry.ifa_addr).sa_family) {
                libc::AF_INET => {
                    let v4 = &*entry.ifa_addr.cast::<libc::sockaddr_in>();
                    Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into()
                }
                libc::AF_INET6 => {
                    let v6 = &*entry.ifa_addr.cast::<libc::sockaddr_in6>();
                    Ipv6Addr::from(v6.sin6_addr.s6_addr).into()
                }
                _ => continue,
            }
        };
        if !is_link_local(address) {
            addresses.push(address);
        }
    }
    // SAFETY: the list came from getifaddrs and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(addresses)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wildcard_stands_for_every_address_of_its_family() {
        let v4: Vec<IpAddr> = vec![Ipv4Addr::UNSPECIFIED.into()];
        let with = resolve(&v4, true).unwrap();
        assert!(with.contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(with.iter().all(IpAddr::is_ipv4));
        let without = resolve(&v4, false).unwrap();
        assert!(without.iter().all(|address| !address.is_loopback()));
    }

    #[test]
    fn an_address_named_twice_is_used_once() {
        let twice = vec![Ipv4Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        assert_eq!(resolve(&twice, true).unwrap().len(), 1);
    }
}
