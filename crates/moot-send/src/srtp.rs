//! Protection of what leaves and of the reports that come back: SRTP and SRTCP (RFC 3711) with the
//! keys of a DTLS handshake (RFC 5764), under AES-CM with HMAC-SHA1 or AES-GCM (RFC 7714).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

/// Bytes of the authentication tag of AES-GCM (RFC 7714 §12).
const GCM_TAG: usize = 16;
/// Bytes of the authentication tag of HMAC-SHA1-80 (RFC 3711 §4.2).
const HMAC_TAG: usize = 10;
/// Bytes of the index, with its E flag, that ends an SRTCP packet (RFC 3711 §3.4).
const INDEX: usize = 4;
/// Bytes of an SRTCP packet that stay in clear (RFC 3711 §3.4).
const CLEAR: usize = 8;
/// The E flag: the packet is encrypted (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;

/// Where the index of our reports begins. str0m seals reports under the same keys and counts from
/// 0; a nonce is made of SSRC and index, so the two counters must never meet.
const FIRST_INDEX: u32 = 1 << 30;

/// Reports that are remembered behind the latest, so that none is taken twice (RFC 3711 §3.3.2).
const REPLAY_WINDOW: u32 = 64;
/// Most sources whose reports are remembered; an endpoint has one or a few.
const MAX_SOURCES: usize = 64;

/// How an association is protected (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 with a tag of 80 bits.
    Aes128CmSha1_80,
    /// AES-128 in Galois/counter mode.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode.
    AeadAes256Gcm,
}

impl Profile {
    fn key_size(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80 | Profile::AeadAes128Gcm => 16,
            Profile::AeadAes256Gcm => 32,
        }
    }

    fn salt_size(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80 => 14,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
        }
    }
}

/// The master keys and salts of both sides.
#[derive(Clone)]
pub struct Keys {
    profile: Profile,
    ours: Master,
    theirs: Master,
}

#[derive(Clone)]
struct Master {
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes the keying material of a finished handshake: the client's key, the server's, the
    /// client's salt, the server's (RFC 5764 §4.2). `is_client` says which we were. `None` if the
    /// material has not the length that the profile asks for.
    pub fn new(profile: Profile, material: &[u8], is_client: bool) -> Option<Self> {
        let (key, salt) = (profile.key_size(), profile.salt_size());
        if material.len() != 2 * (key + salt) {
            return None;
        }
        let (keys, salts) = material.split_at(2 * key);
        let master = |at: usize| Master {
            key: keys[at * key..][..key].to_vec(),
            salt: salts[at * salt..][..salt].to_vec(),
        };
        let (client, server) = (master(0), master(1));
        let (ours, theirs) = if is_client {
            (client, server)
        } else {
            (server, client)
        };
        Some(Self {
            profile,
            ours,
            theirs,
        })
    }

    /// Seals what we send.
    pub fn sealer(&self) -> Sealer {
        Sealer {
            rtp: Session::new(self.profile, &self.ours, Use::Rtp),
            rtcp: Session::new(self.profile, &self.ours, Use::Rtcp),
            next_index: FIRST_INDEX,
        }
    }

    /// Opens what the other side sends.
    pub fn opener(&self) -> Opener {
        Opener {
            #[cfg(test)]
            rtp: Session::new(self.profile, &self.theirs, Use::Rtp),
            rtcp: Session::new(self.profile, &self.theirs, Use::Rtcp),
            heard: Vec::new(),
        }
    }
}

/// What session keys are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Rtp,
    Rtcp,
}

/// Session keys of AES-CM.
struct Counter {
    key: EncryptingKey,
    salt: u128,
    tag: hmac::Key,
}

/// Session keys (RFC 3711 §4.3).
enum Session {
    Gcm { key: LessSafeKey, salt: u128 },
    Counter(Box<Counter>),
}

impl Session {
    fn new(profile: Profile, master: &Master, purpose: Use) -> Self {
        // RFC 3711 §4.3.1: three labels for RTP, three for RTCP.
        let first = if purpose == Use::Rtp { 0 } else { 3 };
        let mut key = vec![0; profile.key_size()];
        derive(master, first, &mut key);
        let mut salt = vec![0; profile.salt_size()];
        derive(master, first + 2, &mut salt);
        let salt = integer(&salt);
        match profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                let algorithm = match profile {
                    Profile::AeadAes256Gcm => &AES_256_GCM,
                    _ => &AES_128_GCM,
                };
                let key = UnboundKey::new(algorithm, &key).expect("the profile says the length");
                Session::Gcm {
                    key: LessSafeKey::new(key),
                    salt,
                }
            }
            Profile::Aes128CmSha1_80 => {
                let mut tag = [0; 20];
                derive(master, first + 1, &mut tag);
                Session::Counter(Box::new(Counter {
                    key: counter_key(&key),
                    // RFC 3711 §4.1.1: the salt is shifted by 16 bits.
                    salt: salt << 16,
                    tag: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &tag),
                }))
            }
        }
    }

    fn overhead(&self) -> usize {
        match self {
            Session::Gcm { .. } => GCM_TAG,
            Session::Counter(_) => HMAC_TAG,
        }
    }
}

fn integer(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// Derives session keys by AES in counter mode over label and salt (RFC 3711 §4.3.1, §4.3.3, with
/// no re-keying; RFC 6188 §3 for AES-256). A 96-bit salt is filled up with zeros (RFC 7714 §11).
fn derive(master: &Master, label: u8, into: &mut [u8]) {
    let mut salt = [0; 14];
    salt[..master.salt.len()].copy_from_slice(&master.salt);
    let counter = (integer(&salt) ^ u128::from(label) << 48) << 16;
    into.fill(0);
    apply(&counter_key(&master.key), counter, into);
}

fn counter_key(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, key).expect("the profile says the length");
    EncryptingKey::ctr(key).expect("AES has a counter mode")
}

/// Adds the key stream that begins at `counter` to `bytes`.
fn apply(key: &EncryptingKey, counter: u128, bytes: &mut [u8]) {
    let context = EncryptionContext::Iv128(FixedLength::from(counter.to_be_bytes()));
    key.less_safe_encrypt(bytes, context)
        .expect("counter mode takes any length");
}

fn nonce(number: u128) -> Nonce {
    let bytes = number.to_be_bytes();
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&bytes[4..]);
    Nonce::assume_unique_for_key(nonce)
}

/// The nonce of an RTP packet: SSRC, roll-over counter and sequence number (RFC 7714 §8.1).
fn rtp_nonce(salt: u128, ssrc: u32, index: u64) -> Nonce {
    nonce(salt ^ (u128::from(ssrc) << 48 | u128::from(index & 0xffff_ffff_ffff)))
}

/// The nonce of a report: SSRC and index (RFC 7714 §9.1).
fn rtcp_nonce(salt: u128, ssrc: u32, index: u32) -> Nonce {
    nonce(salt ^ (u128::from(ssrc) << 48 | u128::from(index)))
}

/// The first counter block (RFC 3711 §4.1.1).
fn counter(salt: u128, ssrc: u32, index: u64) -> u128 {
    salt ^ u128::from(ssrc) << 64 ^ u128::from(index & 0xffff_ffff_ffff) << 16
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Seals packets and reports of ours.
pub struct Sealer {
    rtp: Session,
    rtcp: Session,
    next_index: u32,
}

impl Sealer {
    /// How many bytes an RTP packet grows by.
    pub fn overhead(&self) -> usize {
        self.rtp.overhead()
    }

    /// Seals the RTP packet from `start` to the end of `buffer`, in place; the tag is appended.
    /// `index` is the extended sequence number: roll-over counter and 16 bits (RFC 3711 §3.3.1).
    ///
    /// # Panics
    ///
    /// If `header_len` is less than 12 or the packet is shorter: the caller has just written it.
    pub fn seal_rtp(&self, buffer: &mut Vec<u8>, start: usize, header_len: usize, index: u64) {
        let packet = &mut buffer[start..];
        let ssrc = word(packet, 8).expect("a header has 12 bytes");
        let (header, payload) = packet.split_at_mut(header_len);
        match &self.rtp {
            Session::Gcm { key, salt } => {
                let nonce = rtp_nonce(*salt, ssrc, index);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&*header), payload)
                    .expect("a packet is not too long to be sealed");
                buffer.extend_from_slice(tag.as_ref());
            }
            Session::Counter(keys) => {
                let Counter { key, salt, tag } = &**keys;
                apply(key, counter(*salt, ssrc, index), payload);
                // RFC 3711 §4.2: the roll-over counter is authenticated and not sent.
                let mut signing = hmac::Context::with_key(tag);
                signing.update(packet);
                signing.update(&((index >> 16) as u32).to_be_bytes());
                buffer.extend_from_slice(&signing.sign().as_ref()[..HMAC_TAG]);
            }
        }
    }

    /// Seals the compound RTCP packet from `start` to the end of `buffer`, in place; index and tag
    /// are appended (RFC 3711 §3.4, RFC 7714 §9). Returns whether it could: after 2³⁰ reports the
    /// keys are spent (RFC 3711 §9.2), and the packet must not leave.
    ///
    /// # Panics
    ///
    /// If the packet is shorter than 8 bytes: the caller has just written it.
    #[must_use]
    pub fn seal_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> bool {
        let index = self.next_index;
        if index == ENCRYPTED {
            return false;
        }
        self.next_index += 1;
        let flagged = (index | ENCRYPTED).to_be_bytes();
        let packet = &mut buffer[start..];
        let ssrc = word(packet, 4).expect("a report has 8 bytes");
        let (clear, rest) = packet.split_at_mut(CLEAR);
        match &self.rtcp {
            Session::Gcm { key, salt } => {
                let mut aad = [0; CLEAR + INDEX];
                aad[..CLEAR].copy_from_slice(clear);
                aad[CLEAR..].copy_from_slice(&flagged);
                let nonce = rtcp_nonce(*salt, ssrc, index);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&aad), rest)
                    .expect("a report is not too long to be sealed");
                buffer.extend_from_slice(tag.as_ref());
                buffer.extend_from_slice(&flagged);
            }
            Session::Counter(keys) => {
                let Counter { key, salt, tag } = &**keys;
                apply(key, counter(*salt, ssrc, index.into()), rest);
                buffer.extend_from_slice(&flagged);
                let tag = hmac::sign(tag, &buffer[start..]);
                buffer.extend_from_slice(&tag.as_ref()[..HMAC_TAG]);
            }
        }
        true
    }
}

/// The reports of one source that have come.
struct Heard {
    ssrc: u32,
    highest: u32,
    /// Bit `n`: the one `n` before the highest has come.
    window: u64,
}

/// Opens reports of the other side's.
pub struct Opener {
    #[cfg(test)]
    rtp: Session,
    rtcp: Session,
    heard: Vec<Heard>,
}

impl Opener {
    /// Opens an SRTCP packet into `plain`, which is cleared first. Returns whether it is authentic
    /// and came for the first time; if not, `plain` is empty.
    pub fn open_rtcp(&mut self, datagram: &[u8], plain: &mut Vec<u8>) -> bool {
        plain.clear();
        let is_open = self.open(datagram, plain).is_some();
        if !is_open {
            plain.clear();
        }
        is_open
    }

    fn open(&mut self, datagram: &[u8], plain: &mut Vec<u8>) -> Option<()> {
        let ssrc = word(datagram, 4)?;
        let index = match &self.rtcp {
            Session::Gcm { key, salt } => {
                let end = datagram.len().checked_sub(INDEX)?;
                if end < CLEAR + GCM_TAG {
                    return None;
                }
                let flagged = word(datagram, end)?;
                let index = flagged & !ENCRYPTED;
                let nonce = rtcp_nonce(*salt, ssrc, index);
                if flagged & ENCRYPTED != 0 {
                    let mut aad = [0; CLEAR + INDEX];
                    aad[..CLEAR].copy_from_slice(&datagram[..CLEAR]);
                    aad[CLEAR..].copy_from_slice(&datagram[end..]);
                    plain.extend_from_slice(&datagram[..end]);
                    key.open_in_place(nonce, Aad::from(&aad), &mut plain[CLEAR..])
                        .ok()?;
                } else {
                    // RFC 7714 §9.3: everything but the tag is authenticated, and nothing secret.
                    let aad = [&datagram[..end - GCM_TAG], &datagram[end..]].concat();
                    let mut tag = datagram[end - GCM_TAG..end].to_vec();
                    key.open_in_place(nonce, Aad::from(&aad), &mut tag).ok()?;
                    plain.extend_from_slice(&datagram[..end]);
                }
                plain.truncate(end - GCM_TAG);
                index
            }
            Session::Counter(keys) => {
                let Counter { key, salt, tag } = &**keys;
                let end = datagram.len().checked_sub(INDEX + HMAC_TAG)?;
                if end < CLEAR {
                    return None;
                }
                let signed = &datagram[..end + INDEX];
                let expected = hmac::sign(tag, signed);
                aws_lc_rs::constant_time::verify_slices_are_equal(
                    &expected.as_ref()[..HMAC_TAG],
                    &datagram[end + INDEX..],
                )
                .ok()?;
                let flagged = word(datagram, end)?;
                let index = flagged & !ENCRYPTED;
                plain.extend_from_slice(&datagram[..end]);
                if flagged & ENCRYPTED != 0 {
                    apply(key, counter(*salt, ssrc, index.into()), &mut plain[CLEAR..]);
                }
                index
            }
        };
        self.take(ssrc, index).then_some(())
    }

    /// Notes an authentic report; returns whether it came for the first time (RFC 3711 §3.3.2).
    fn take(&mut self, ssrc: u32, index: u32) -> bool {
        let Some(heard) = self.heard.iter_mut().find(|heard| heard.ssrc == ssrc) else {
            if self.heard.len() == MAX_SOURCES {
                self.heard.remove(0);
            }
            self.heard.push(Heard {
                ssrc,
                highest: index,
                window: 1,
            });
            return true;
        };
        if index > heard.highest {
            let ahead = index - heard.highest;
            heard.window = heard.window.checked_shl(ahead).unwrap_or(0) | 1;
            heard.highest = index;
            return true;
        }
        let behind = heard.highest - index;
        let is_new = behind < REPLAY_WINDOW && heard.window & 1 << behind == 0;
        if is_new {
            heard.window |= 1 << behind;
        }
        is_new
    }

    /// Opens the RTP packet in `packet`, in place.
    #[cfg(test)]
    pub(crate) fn open_rtp(&self, packet: &mut Vec<u8>, header_len: usize, index: u64) -> bool {
        let ssrc = word(packet, 8).unwrap();
        match &self.rtp {
            Session::Gcm { key, salt } => {
                let (header, sealed) = packet.split_at_mut(header_len);
                let nonce = rtp_nonce(*salt, ssrc, index);
                let opened = key
                    .open_in_place(nonce, Aad::from(&*header), sealed)
                    .is_ok();
                packet.truncate(packet.len() - GCM_TAG);
                opened
            }
            Session::Counter(keys) => {
                let Counter { key, salt, tag } = &**keys;
                let sent = packet.split_off(packet.len() - HMAC_TAG);
                let mut signing = hmac::Context::with_key(tag);
                signing.update(packet);
                signing.update(&((index >> 16) as u32).to_be_bytes());
                let is_authentic = signing.sign().as_ref()[..HMAC_TAG] == sent[..];
                apply(key, counter(*salt, ssrc, index), &mut packet[header_len..]);
                is_authentic
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [Profile; 3] = [
        Profile::Aes128CmSha1_80,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];

    fn material(profile: Profile) -> Vec<u8> {
        let size = 2 * (profile.key_size() + profile.salt_size());
        (0..size as u8).collect()
    }

    fn pair(profile: Profile) -> (Sealer, Opener) {
        let material = material(profile);
        let server = Keys::new(profile, &material, false).unwrap();
        let client = Keys::new(profile, &material, true).unwrap();
        (server.sealer(), client.opener())
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    #[test]
    fn session_keys_are_those_of_rfc_3711_b_3() {
        let master = Master {
            key: hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
            salt: hex("0EC675AD498AFEEBB6960B3AABE6"),
        };
        let mut key = [0; 16];
        derive(&master, 0, &mut key);
        assert_eq!(key[..], hex("C61E7A93744F39EE10734AFE3FF7A087"));
        let mut salt = [0; 14];
        derive(&master, 2, &mut salt);
        assert_eq!(salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        let mut tag = [0; 20];
        derive(&master, 1, &mut tag);
        assert_eq!(tag[..], hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711_b_2() {
        let key = counter_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C"));
        let salt = integer(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD")) << 16;
        let mut stream = [0; 32];
        apply(&key, counter(salt, 0, 0), &mut stream);
        assert_eq!(
            stream[..],
            hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB")
        );
    }

    #[test]
    fn a_packet_is_sealed_as_in_rfc_7714_16_1_1() {
        let key = hex("000102030405060708090a0b0c0d0e0f");
        let session = Session::Gcm {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap()),
            salt: integer(&hex("517569642070726f2071756f")),
        };
        let (mut sealer, _) = pair(Profile::AeadAes128Gcm);
        sealer.rtp = session;
        let mut packet = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 6961206573
            74206f6d 6e697320 64697669 73612069 6e207061 72746573 20747265 73");
        sealer.seal_rtp(&mut packet, 0, 12, 0xf17b);
        assert_eq!(
            packet,
            hex(
                "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca
                be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf
                765ee439 0cce"
            )
        );
    }

    #[test]
    fn what_one_side_seals_the_other_opens() {
        for profile in PROFILES {
            let (mut sealer, mut opener) = pair(profile);
            let packet: Vec<u8> = (0..100).collect();
            for index in [0, 0xffff, 0x1_0000, 0x7_0123] {
                let mut sealed = vec![9; 5];
                sealed.extend(&packet);
                sealer.seal_rtp(&mut sealed, 5, 20, index);
                assert_eq!(sealed.len(), 105 + sealer.overhead());
                assert_ne!(sealed[25..105], packet[20..]);
                let mut opened = sealed.split_off(5);
                assert!(opener.open_rtp(&mut opened, 20, index));
                assert_eq!(opened, packet);
            }
            let mut plain = Vec::new();
            for _ in 0..3 {
                let mut sealed = packet.clone();
                assert!(sealer.seal_rtcp(&mut sealed, 0));
                assert!(opener.open_rtcp(&sealed, &mut plain));
                assert_eq!(plain, packet);
                assert!(!opener.open_rtcp(&sealed, &mut plain), "a repetition");
            }
        }
    }

    #[test]
    fn what_was_changed_or_cut_short_is_refused() {
        for profile in PROFILES {
            let (mut sealer, mut opener) = pair(profile);
            let mut sealed: Vec<u8> = (0..60).collect();
            assert!(sealer.seal_rtcp(&mut sealed, 0));
            let mut plain = Vec::new();
            for at in 0..sealed.len() {
                assert!(!opener.open_rtcp(&sealed[..at], &mut plain));
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(!opener.open_rtcp(&changed, &mut plain));
            }
            assert!(opener.open_rtcp(&sealed, &mut plain));
        }
    }

    #[test]
    fn a_report_that_is_only_authenticated_is_taken_too() {
        let (sealer, mut opener) = pair(Profile::AeadAes128Gcm);
        let packet: Vec<u8> = (0..40).collect();
        let ssrc = word(&packet, 4).unwrap();
        let Session::Gcm { key, salt } = &sealer.rtcp else {
            panic!("the profile is AES-GCM");
        };
        let aad = [&packet[..], &[0, 0, 0, 5]].concat();
        let tag = key
            .seal_in_place_separate_tag(rtcp_nonce(*salt, ssrc, 5), Aad::from(&aad), &mut [])
            .unwrap();
        let sealed = [&packet[..], tag.as_ref(), &[0, 0, 0, 5]].concat();
        let mut plain = Vec::new();
        assert!(opener.open_rtcp(&sealed, &mut plain));
        assert_eq!(plain, packet);
    }

    #[test]
    fn reports_out_of_order_are_taken_once_and_old_ones_not() {
        let (_, mut opener) = pair(Profile::AeadAes128Gcm);
        for (index, is_new) in [
            (100, true),
            (102, true),
            (101, true),
            (101, false),
            (39, true),
            (38, false),
            (39, false),
            (1_000, true),
            (937, true),
            (936, false),
            (0, false),
        ] {
            assert_eq!(opener.take(1, index), is_new, "{index}");
        }
        for ssrc in 2..200 {
            assert!(opener.take(ssrc, 0));
        }
        assert_eq!(opener.heard.len(), MAX_SOURCES);
    }

    #[test]
    fn material_of_another_length_is_refused() {
        for profile in PROFILES {
            let mut material = material(profile);
            material.push(0);
            assert!(Keys::new(profile, &material, true).is_none());
            assert!(Keys::new(profile, &[], true).is_none());
        }
    }

    #[test]
    fn no_index_of_a_report_is_used_twice_or_is_str0ms() {
        let (mut sealer, _) = pair(Profile::AeadAes128Gcm);
        assert!(sealer.next_index >= FIRST_INDEX);
        sealer.next_index = ENCRYPTED - 1;
        assert!(sealer.seal_rtcp(&mut vec![0; 8], 0));
        let mut last = vec![0; 8];
        assert!(!sealer.seal_rtcp(&mut last, 0));
        assert_eq!(last, [0; 8]);
    }
}
