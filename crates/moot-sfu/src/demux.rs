//! Whose datagram is it?
//!
//! An address belongs to a transport once a STUN message with that transport's password came from
//! it; everything but STUN is taken from such addresses only. Looking up costs one hash however
//! many transports there are. Nothing here trusts a user name: whether a message is authentic is
//! the transport's to say, before [`Demux::verify`].

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::{IpAddr, SocketAddr};

use crate::arena::Key;
use crate::datagram::Path;
use crate::transport::Transport;

type TransportKey = Key<Transport>;

/// Most verified addresses of one transport: more than a browser with a dozen interfaces shows.
/// The oldest gives way, so a client that moves a lot stays reachable.
const MAX_ADDRESSES: usize = 32;

/// Most transports that may wait for an answer from one address. Candidates come from clients, so
/// an attacker can make many transports name one address; the latest win.
const MAX_EXPECTING: usize = 8;

/// Most addresses one transport may wait for answers from.
const MAX_EXPECTED: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Address(Path, SocketAddr);

/// Mixes a remote address into a hash: multiply and fold. An attacker can choose addresses that
/// collide, but each needs a verified binding, which a transport has 32 of.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}

type AddressMap<V> = HashMap<Address, V, BuildHasherDefault<AddressHasher>>;

#[derive(Default)]
struct Reachability {
    ufrag: String,
    verified: VecDeque<Address>,
    expected: VecDeque<Address>,
}

/// The tables that find the transport of a datagram.
#[derive(Default)]
pub(crate) struct Demux {
    verified: AddressMap<TransportKey>,
    expecting: AddressMap<Vec<TransportKey>>,
    ufrags: HashMap<String, TransportKey>,
    transports: HashMap<TransportKey, Reachability>,
}

impl Demux {
    /// Makes a transport findable by its local user name fragment, the latest one only.
    pub(crate) fn register(&mut self, transport: TransportKey, ufrag: &str) {
        let reachability = self.transports.entry(transport).or_default();
        if reachability.ufrag != ufrag {
            self.ufrags.remove(&reachability.ufrag);
            reachability.ufrag = ufrag.to_owned();
            self.ufrags.insert(ufrag.to_owned(), transport);
        }
    }

    /// Forgets a transport and its addresses; returns them.
    pub(crate) fn forget(&mut self, transport: TransportKey) -> Vec<(Path, SocketAddr)> {
        let Some(reachability) = self.transports.remove(&transport) else {
            return Vec::new();
        };
        self.ufrags.remove(&reachability.ufrag);
        for address in reachability.expected {
            self.unexpect(transport, address);
        }
        let mut addresses = Vec::new();
        for address in reachability.verified {
            if self.verified.get(&address) == Some(&transport) {
                self.verified.remove(&address);
                addresses.push((address.0, address.1));
            }
        }
        addresses
    }

    /// Finds whose address this is.
    pub(crate) fn owner(&self, path: Path, source: SocketAddr) -> Option<TransportKey> {
        self.verified.get(&Address(path, source)).copied()
    }

    /// Finds who uses this user name fragment.
    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<TransportKey> {
        self.ufrags.get(ufrag).copied()
    }

    /// Finds who waits for an answer from this address, the address's owner first.
    pub(crate) fn expecting(&self, path: Path, source: SocketAddr) -> Vec<TransportKey> {
        let address = Address(path, source);
        let owner = self.verified.get(&address).copied();
        let others = self.expecting.get(&address).into_iter().flatten().copied();
        owner
            .into_iter()
            .chain(others.filter(|&other| Some(other) != owner))
            .collect()
    }

    /// Notes that a check was sent to an address, so that its answer finds the way back.
    pub(crate) fn expect(&mut self, transport: TransportKey, path: Path, destination: SocketAddr) {
        let address = Address(path, destination);
        if self.verified.get(&address) == Some(&transport) {
            return;
        }
        let Some(reachability) = self.transports.get_mut(&transport) else {
            return;
        };
        let waiting = self.expecting.entry(address).or_default();
        if waiting.contains(&transport) {
            return;
        }
        if waiting.len() == MAX_EXPECTING {
            waiting.remove(0);
        }
        waiting.push(transport);
        reachability.expected.push_back(address);
        if reachability.expected.len() > MAX_EXPECTED
            && let Some(oldest) = reachability.expected.pop_front()
        {
            self.unexpect(transport, oldest);
        }
    }

    fn unexpect(&mut self, transport: TransportKey, address: Address) {
        if let Some(waiting) = self.expecting.get_mut(&address) {
            waiting.retain(|&other| other != transport);
            if waiting.is_empty() {
                self.expecting.remove(&address);
            }
        }
    }

    /// Gives an address to a transport that has just accepted an authentic STUN message from it.
    pub(crate) fn verify(&mut self, transport: TransportKey, path: Path, source: SocketAddr) {
        let address = Address(path, source);
        if self.verified.get(&address) == Some(&transport) {
            return;
        }
        let Some(reachability) = self.transports.get_mut(&transport) else {
            return;
        };
        reachability.verified.retain(|&known| known != address);
        reachability.verified.push_back(address);
        let oldest = (reachability.verified.len() > MAX_ADDRESSES)
            .then(|| reachability.verified.pop_front())
            .flatten();
        self.verified.insert(address, transport);
        if let Some(oldest) = oldest
            && self.verified.get(&oldest) == Some(&transport)
        {
            self.verified.remove(&oldest);
        }
    }
}

/// Returns whether a client may be sent checks at this address: not a group, not nothing.
pub(crate) fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_multicast() && !v4.is_broadcast() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_multicast() && !v6.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    fn keys(count: usize) -> Vec<TransportKey> {
        // Keys of a table of this type without the cost of making transports.
        let mut arena: Arena<()> = Arena::new();
        (0..count)
            .map(|_| arena.insert_with(|_| ()).cast())
            .collect()
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::new([192, 0, 2, 1].into(), port)
    }

    #[test]
    fn an_address_is_nobodys_until_verified() {
        let mut demux = Demux::default();
        let key = keys(1)[0];
        demux.register(key, "ufrag");
        demux.expect(key, Path::Udp, address(1));
        assert_eq!(demux.owner(Path::Udp, address(1)), None);
        assert_eq!(demux.expecting(Path::Udp, address(1)), [key]);
        demux.verify(key, Path::Udp, address(1));
        assert_eq!(demux.owner(Path::Udp, address(1)), Some(key));
        assert_eq!(demux.owner(Path::Tcp, address(1)), None);
    }

    #[test]
    fn a_new_fragment_replaces_the_old_one() {
        let mut demux = Demux::default();
        let key = keys(1)[0];
        demux.register(key, "before");
        demux.register(key, "after");
        assert_eq!(demux.by_ufrag("before"), None);
        assert_eq!(demux.by_ufrag("after"), Some(key));
    }

    #[test]
    fn a_forgotten_transport_leaves_nothing_behind() {
        let mut demux = Demux::default();
        let keys = keys(2);
        for (&key, ufrag) in keys.iter().zip(["a", "b"]) {
            demux.register(key, ufrag);
        }
        for port in 1..200 {
            demux.expect(keys[0], Path::Udp, address(port));
            demux.verify(keys[0], Path::Udp, address(port));
        }
        demux.verify(keys[1], Path::Udp, address(199));
        demux.forget(keys[0]);
        assert_eq!(demux.owner(Path::Udp, address(199)), Some(keys[1]));
        assert_eq!(demux.verified.len(), 1);
        assert!(demux.expecting.is_empty());
        assert_eq!(demux.ufrags.len(), 1);
        assert_eq!(demux.transports.len(), 1);
    }

    #[test]
    fn the_tables_are_bounded_per_transport() {
        let mut demux = Demux::default();
        let keys = keys(20);
        for (at, &key) in keys.iter().enumerate() {
            demux.register(key, &format!("ufrag{at}"));
            demux.expect(key, Path::Udp, address(9));
        }
        assert_eq!(demux.expecting(Path::Udp, address(9)).len(), MAX_EXPECTING);
        for port in 1000..2000 {
            demux.expect(keys[0], Path::Udp, address(port));
            demux.verify(keys[0], Path::Udp, address(port));
        }
        assert_eq!(demux.verified.len(), MAX_ADDRESSES);
        assert!(demux.expecting.len() <= MAX_EXPECTED + 1);
        assert_eq!(demux.owner(Path::Udp, address(1999)), Some(keys[0]));
        assert_eq!(demux.owner(Path::Udp, address(1000)), None);
    }
}
