//! Strangers who would take calls over, or keep them from coming about.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use moot_sfu::Mode;
use moot_sim::{Link, Outgoing};

use crate::world::{Access, Devices, World, camera};

const SETUPS: usize = 200;
const STUN_USERNAME: [u8; 2] = [0x00, 0x06];
const STUN_HEADER: usize = 20;

/// One who sees what others send (on a shared radio, say), cannot break its cryptography, and sends
/// from any address. It does not send a hello from an address that has just shown its password:
/// whoever can do that at the right moment breaks a DTLS handshake with anybody.
#[derive(Default)]
pub struct Attacker {
    /// The last handshake record that somebody began with.
    hello: Vec<u8>,
    /// Whom it has seen.
    known: HashSet<SocketAddr>,
    /// Datagrams sent so far: forged bindings and hellos.
    pub bindings: usize,
    pub hellos: usize,
}

impl Attacker {
    /// Sees a datagram on its way to the SFU; returns what it throws in before it arrives.
    pub fn see(&mut self, seen: &Outgoing) -> Vec<(SocketAddr, Vec<u8>)> {
        let elsewhere = SocketAddr::from((Ipv4Addr::new(10, 9, 9, 9), 4_000));
        let mut thrown = Vec::new();
        let contents = &seen.contents;
        if contents.starts_with(&[0x00, 0x01]) {
            let forged = forged_binding(contents);
            self.bindings += 2;
            thrown.push((elsewhere, forged.clone()));
            thrown.push((seen.source, forged));
            if !self.hello.is_empty() {
                self.hellos += 1;
                thrown.push((elsewhere, self.hello.clone()));
                // Before the owner of the address has shown its password.
                if self.known.insert(seen.source) {
                    self.hellos += 1;
                    thrown.push((seen.source, self.hello.clone()));
                }
            }
        }
        // A handshake record with a ClientHello (RFC 6347 section 4.2).
        if contents.first() == Some(&22) && contents.get(13) == Some(&1) {
            self.hello.clone_from(contents);
            // The same hello with another random: another session that never goes on.
            let mut other = contents.clone();
            if let Some(random) = other.get_mut(27..59) {
                random.iter_mut().for_each(|byte| *byte ^= 0x5a);
            }
            self.hellos += 1;
            thrown.push((elsewhere, other));
        }
        thrown
    }
}

/// A binding request under the same name as a seen one, nominating, whose integrity is made up.
fn forged_binding(seen: &[u8]) -> Vec<u8> {
    let mut at = STUN_HEADER;
    let mut attributes = Vec::new();
    while let Some(head) = seen.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])).next_multiple_of(4);
        if head[..2] == STUN_USERNAME {
            attributes.extend(&seen[at..at + 4 + length]);
        }
        at += 4 + length;
    }
    attributes.extend([0x00, 0x24, 0x00, 0x04, 0x7f, 0xff, 0xff, 0xff]); // PRIORITY
    attributes.extend([0x80, 0x2a, 0x00, 0x08, 0, 0, 0, 0, 0, 0, 0, 1]); // ICE-CONTROLLING
    attributes.extend([0x00, 0x25, 0x00, 0x00]); // USE-CANDIDATE
    attributes.extend([0x00, 0x08, 0x00, 0x14]); // MESSAGE-INTEGRITY
    attributes.extend([0xee; 20]);
    let mut message = vec![0x00, 0x01];
    message.extend((attributes.len() as u16).to_be_bytes());
    message.extend(&seen[4..STUN_HEADER]);
    message.extend(attributes);
    message
}

#[test]
fn media_1_forged_bindings_and_hostile_hellos_keep_none_of_200_calls_from_coming_about() {
    let mut world = World::new(11);
    world.attacker = Some(Attacker::default());
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.run(Duration::from_secs(2));
    for number in 0..SETUPS {
        let mode = if number % 2 == 0 {
            Mode::Dual
        } else {
            Mode::Single
        };
        let guest = world.join(mode, Devices::none(), Access::default());
        world.run(Duration::from_millis(600));
        let came = world.packets(guest, &camera(0));
        assert!(came > 0, "set-up {number}, {mode:?}: no picture");
        world.leave(guest);
    }
    assert_eq!(world.complaints(), [""; 0]);
    let attacker = world.attacker.take().expect("it was put there");
    assert!(attacker.bindings > 2 * SETUPS, "{}", attacker.bindings);
    assert!(attacker.hellos > SETUPS, "{}", attacker.hellos);
    let unknown = world.sfu.totals().datagrams_unknown;
    assert!(unknown as usize > attacker.bindings, "{unknown} unknown");
    assert_eq!(world.sfu.totals().transport_panics, 0);
}

#[test]
fn media_1_a_handshake_that_fails_does_not_keep_the_thread_busy() {
    let mut world = World::new(5);
    let slow = Link {
        delay: Duration::from_millis(200),
        ..Link::default()
    };
    world.join(Mode::Dual, Devices::none(), Access::both(slow));
    // ICE is done, and the answer to the client's hello is on its way.
    world.run(Duration::from_millis(500));
    let deaf = Link {
        loss_per_million: 1_000_000,
        ..slow
    };
    world.set_access(
        0,
        Access {
            up: slow,
            down: deaf,
        },
    );
    world.run(Duration::from_secs(40));
    assert_eq!(world.connected_at(0), None);
    let before = world.timer_wakes;
    world.run(Duration::from_secs(10));
    let a_second = (world.timer_wakes - before) / 10;
    assert!(a_second < 20, "{a_second} wake-ups a second");
}
